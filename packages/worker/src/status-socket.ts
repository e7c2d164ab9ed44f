import { once } from "node:events";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";

const NAME = /^worker-[0-9a-z]+\.sock$/;
const PATIENCE_MS = 5_000;
/** sun_path of unix(7), its final zero included. A longer one is cut short without a word. */
const LONGEST_PATH = 107;

function socketFolder(home: string): string {
  return join(resolve(home), "run");
}

export interface StatusSocketOptions {
  home: string;
  /** Told apart by it from the other workers of the home. */
  name: string;
  describe(): Promise<unknown>;
  log: Log;
}

/**
 * Tells whoever connects what the process does, as JSON, over a socket in the home that only its owner can open: no port, nothing
 * to configure. Where it can't be, such as on a read-only file system, the log says so and the worker works without.
 */
export async function openStatusSocket(options: StatusSocketOptions): Promise<AsyncDisposable> {
  const { home, name, describe, log } = options;
  const path = join(socketFolder(home), `worker-${name}.sock`);
  const server = createServer((socket) => {
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    describe().then(
      (status) => socket.end(JSON.stringify(status)),
      (error: unknown) => {
        log.warn("status_failed", describeError(error));
        socket.destroy();
      },
    );
  });
  try {
    if (Buffer.byteLength(path) > LONGEST_PATH) throw new Error(`${path} is too long for a socket`);
    await mkdir(socketFolder(home), { recursive: true, mode: 0o700 });
    await removeStale(home);
    server.listen(path);
    await once(server, "listening");
    await chmod(path, 0o600);
  } catch (error) {
    log.warn("status_not_served", describeError(error));
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
}

/** What one worker said, or why it did not. */
export type WorkerAnswer = { socket: string; said: unknown } | { socket: string; error: string };

/** Asks all workers of this home; those that are gone are not among the answers. @throws Error when the home can't be read. */
export async function askWorkers(home: string): Promise<WorkerAnswer[]> {
  const answers = await Promise.all((await findSockets(home)).map(ask));
  return answers.filter((answer) => answer !== null);
}

/** Of workers that were killed. */
async function removeStale(home: string): Promise<void> {
  for (const path of await findSockets(home)) {
    if (!(await isServed(path))) await rm(path, { force: true });
  }
}

async function findSockets(home: string): Promise<string[]> {
  const folder = socketFolder(home);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => NAME.test(name)).map((name) => join(folder, name));
}

/** The kernel accepts for a process that is there, whether it answers or not. */
async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    return !isGone(error);
  } finally {
    socket.destroy();
  }
}

async function ask(path: string): Promise<WorkerAnswer | null> {
  const socket = connect(path);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("it does not answer")));
  try {
    return { socket: path, said: JSON.parse(await text(socket)) as unknown };
  } catch (error) {
    if (isGone(error)) return null;
    return { socket: path, error: error instanceof Error ? error.message : String(error) };
  } finally {
    socket.destroy();
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ECONNREFUSED", "ENOENT"].includes(String(error.code));
}
