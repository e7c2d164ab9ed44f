import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../claims/read-claims.ts";
import { nextVersion } from "./next-version.ts";

let repository: string;
beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), "earshot-release-"));
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Somebody");
  git("config", "user.email", "somebody@example.com");
  await mkdir(join(repository, "packages/api"), { recursive: true });
  await mkdir(join(repository, "migrations"));
  const manifest = { name: "x", version: "0.1.0", dependencies: { y: "0.1.0" } };
  await write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  await write("packages/api/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  await write("migrations/0001_roles.sql", "select 1;");
  await write("migrations/released.json", "{}\n");
  await commit("It begins");
});
afterEach(() => rm(repository, { recursive: true }));

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
}

function write(file: string, text: string): Promise<void> {
  return writeFile(join(repository, file), text);
}

async function commit(subject: string): Promise<void> {
  await write("last.txt", subject);
  git("add", "--all");
  git("commit", "--quiet", "--message", `${subject}\n\nWith a body.`);
}

function run(script: string, ...args: string[]) {
  const file = join(ROOT, "scripts/release", script);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    cwd: repository,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const read = (file: string) => readFile(join(repository, file), "utf8");

test("a release raises every version, tells what is new, counts its migrations and is tagged", async () => {
  expect(run("release.main.ts", "0.1.0")).toMatchObject({
    status: 0,
    stdout: "v0.1.0: git push origin HEAD v0.1.0\n",
  });
  await commit("Jobs are found by their name");
  await write("migrations/0002_names.sql", "select 1;");
  await commit("Names are kept");
  expect(run("release.main.ts", "minor")).toMatchObject({ status: 0, stderr: "" });

  for (const file of ["package.json", "packages/api/package.json"]) {
    expect(JSON.parse(await read(file))).toMatchObject({ version: "0.2.0", dependencies: { y: "0.1.0" } });
  }
  expect(JSON.parse(await read("migrations/released.json"))).toEqual({ "0.1.0": 1, "0.2.0": 2 });
  const today = git("log", "-1", "--format=%cs");
  expect(await read("CHANGELOG.md")).toBe(
    `# Changelog\n\nEach line is what is so since that version.\n\n## 0.2.0 (${today})\n\n- Jobs are found by their name\n- Names are kept\n\n## 0.1.0 (${today})\n\n- It begins\n`,
  );
  expect(run("notes.main.ts")).toMatchObject({
    status: 0,
    stdout: "- Jobs are found by their name\n- Names are kept\n",
  });
  expect(git("tag", "--points-at", "HEAD")).toBe("v0.2.0");
  expect(git("status", "--porcelain")).toBe("");
  expect(git("log", "-1", "--format=%s")).toBe("Release 0.2.0");
});

test("nothing is released twice, with something uncommitted, or without anything new", async () => {
  run("release.main.ts", "0.1.0");
  expect(run("release.main.ts", "patch")).toMatchObject({
    status: 1,
    stderr: "nothing is new since v0.1.0\n",
  });
  await commit("More");
  expect(run("release.main.ts", "0.1.0")).toMatchObject({ status: 1, stderr: "0.1.0 is released already\n" });
  await write("last.txt", "changed");
  expect(run("release.main.ts", "patch")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("commit or put away"),
  });
  expect(git("tag")).toBe("v0.1.0");
});

test("notes of a version that the changelog does not know are an error", async () => {
  await write("CHANGELOG.md", "# Changelog\n");
  expect(run("notes.main.ts")).toMatchObject({
    status: 1,
    stdout: "",
    stderr: "CHANGELOG.md says nothing of 0.1.0\n",
  });
});

test.for([
  ["0.9.9", "major", "1.0.0"],
  ["0.9.9", "minor", "0.10.0"],
  ["0.9.9", "patch", "0.9.10"],
  ["0.9.9", "0.10.0", "0.10.0"],
])("after %s %s is %s", ([current = "", step = "", next]) => {
  expect(nextVersion(current, step)).toBe(next);
});

test.for(["0.9.8", "0.8.10", "1", "v1.0.0", "1.0.0-rc.1", ""])("%j is no step from 0.9.9", (step) => {
  expect(() => nextVersion("0.9.9", step)).toThrow(TypeError);
});
