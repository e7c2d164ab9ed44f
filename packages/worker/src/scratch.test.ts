import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openScratch, openScratchRoot } from "./scratch.ts";

let parent: string;
beforeEach(async () => (parent = await mkdtemp(join(tmpdir(), "earshot-test-scratch-"))));
afterEach(() => rm(parent, { recursive: true, force: true }));

/** The pid of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ["-e", ""]).pid;

test("what a killed worker left is removed; a living one's, and everything else, stays", async () => {
  const dead = `earshot-worker-${deadPid()}-abc`;
  const alive = `earshot-worker-${process.ppid}-abc`;
  for (const name of [dead, alive, "somebody-else"]) {
    await mkdir(join(parent, name));
    await writeFile(join(parent, name, "input"), "audio");
  }
  const root = await openScratchRoot(parent);
  expect((await readdir(parent)).toSorted()).toEqual(
    [alive, root.slice(parent.length + 1), "somebody-else"].toSorted(),
  );
});

test("another user's leftovers in a common /tmp keep no worker from its start", async () => {
  const foreign = join(parent, `earshot-worker-${deadPid()}-abc`);
  await mkdir(join(foreign, "job-1"), { recursive: true });
  await chmod(parent, 0o1777);
  const isRoot = process.geteuid?.() === 0;
  await chmod(foreign, isRoot ? 0o700 : 0o000);
  // Root may remove everything, so it is nobody for a moment.
  if (isRoot) process.seteuid?.(65_534);
  try {
    expect(await openScratchRoot(parent)).toContain(`earshot-worker-${process.pid}-`);
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(foreign, 0o700);
  }
  expect(await readdir(foreign)).toEqual(["job-1"]);
});

test("the files of a job are gone when it is over", async () => {
  const root = await openScratchRoot(parent);
  {
    await using scratch = await openScratch(root);
    await writeFile(join(scratch.directory, "input"), "audio");
    expect(await readdir(root)).toHaveLength(1);
  }
  expect(await readdir(root)).toEqual([]);
});
