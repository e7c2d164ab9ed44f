import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAME = /^earshot-worker-(\d+)-/;

/** The directory of this process for the files of its jobs. What workers that were killed left behind is removed. */
export async function openScratchRoot(parent: string = tmpdir()): Promise<string> {
  for (const entry of await readdir(parent)) {
    const pid = NAME.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(parent, entry), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, `earshot-worker-${process.pid}-`));
}

/** A directory for the files of one job, gone when it is disposed. */
export async function openScratch(root: string): Promise<AsyncDisposable & { directory: string }> {
  const directory = await mkdtemp(join(root, "job-"));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
