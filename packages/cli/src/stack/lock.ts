import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import * as z from "zod";
import type { Home } from "./home.ts";
import { identifyProcess, isRunning, processIdentity } from "./process-identity.ts";
import { isNotFound } from "./secret-file.ts";
import { StackError } from "./stack-error.ts";

const lockHolder = z.object({ ...processIdentity.shape, url: z.string() });
export type LockHolder = z.output<typeof lockHolder>;

const ATTEMPTS = 10;

/**
 * Makes this process the only one that runs a stack in `home`, until it is disposed. The lock of a process that has
 * died is taken over.
 * @throws StackError that names the process which has it.
 */
export function lockHome(home: Home, url: string): Promise<AsyncDisposable> {
  return takeLock(home.lockFile, url, (holder) => alreadyRunning(home, holder));
}

/** The same for any file; `url` is what its holder is to be known by. @throws what `taken` makes. */
export async function takeLock(
  lockFile: string,
  url: string,
  taken: (holder: LockHolder) => StackError,
): Promise<AsyncDisposable> {
  const self = await identifyProcess(process.pid);
  const mine = JSON.stringify({ pid: process.pid, startedAt: self?.startedAt ?? "", url });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await claim(lockFile, mine)) return { [Symbol.asyncDispose]: () => release(lockFile, mine) };
    const held = await readIfThere(lockFile);
    const holder = parseHolder(held);
    if (holder !== null && (await isRunning(holder))) throw taken(holder);
    if (held !== null) await removeStale(lockFile, held);
  }
  throw new StackError(`${lockFile} changes all the time: several programs want it.`);
}

/** A link appears with its content, or not at all when the name is taken. */
async function claim(lockFile: string, content: string): Promise<boolean> {
  const unfinished = `${lockFile}.${randomUUID()}`;
  await writeFile(unfinished, content, { mode: 0o600, flag: "wx" });
  try {
    await link(unfinished, lockFile);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Only one of several can move the file away; one that moved a newer lock than it has seen puts that back. */
async function removeStale(lockFile: string, seen: string): Promise<void> {
  const aside = `${lockFile}.${randomUUID()}`;
  try {
    await rename(lockFile, aside);
    if ((await readFile(aside, "utf8")) !== seen) await link(aside, lockFile);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function release(lockFile: string, mine: string): Promise<void> {
  if ((await readIfThere(lockFile)) === mine) await rm(lockFile, { force: true });
}

function parseHolder(text: string | null): LockHolder | null {
  try {
    return text === null ? null : lockHolder.parse(JSON.parse(text));
  } catch {
    return null; // Not ours: nobody holds anything with it.
  }
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
}

function alreadyRunning(home: Home, holder: LockHolder): StackError {
  return new StackError(
    `Earshot already runs in ${home.directory}: process ${holder.pid}, at ${holder.url}. ` +
      `Stop it first (kill ${holder.pid}), or give this one another EARSHOT_HOME and EARSHOT_PORT.`,
  );
}
