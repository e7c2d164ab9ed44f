import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAME = /^earshot-worker-(\d+)-/;

/** The directory of this process for the files of its jobs. What workers that were killed left behind is removed. */
export async function openScratchRoot(parent: string = tmpdir()): Promise<string> {
  const left = (await readdir(parent)).filter((name) => isAbandoned(name));
  // Those of another user stay: they are that user's to remove.
  await Promise.allSettled(left.map((name) => rm(join(parent, name), { recursive: true, force: true })));
  return mkdtemp(join(parent, `earshot-worker-${process.pid}-`));
}

/** A directory for the files of one job, gone when it is disposed. */
export async function openScratch(root: string): Promise<AsyncDisposable & { directory: string }> {
  const directory = await mkdtemp(join(root, "job-"));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

function isAbandoned(name: string): boolean {
  const pid = NAME.exec(name)?.[1];
  return pid !== undefined && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
