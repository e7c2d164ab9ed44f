import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findBinaries, runAs } from "./postgres-binaries.ts";
import { PostgresError } from "./postgres-error.ts";
import { LOOPBACK } from "./postgres-port.ts";
import { chooseServerUser } from "./postgres-user.ts";
import type { ServerUser } from "./postgres-user.ts";

/** What is needed to run one Postgres: its files, its superuser's password, and who it runs as. */
export interface Cluster {
  dataDirectory: string;
  /** Holds the port of the last start. */
  portFile: string;
  logFile: string;
  password: string;
  binaries: string;
  user: ServerUser;
}

/** Finds the cluster of a home, or makes it: UTF-8, C locale, passwords only, the superuser's one at random. */
export async function openCluster(directory: string): Promise<Cluster> {
  const binaries = findBinaries();
  const home = await makeHome(directory);
  const dataDirectory = join(home, "pg");
  const madePassword = await readPassword(home, dataDirectory);
  const user = await chooseServerUser([binaries, madePassword === null ? home : dataDirectory]);
  const password = madePassword ?? (await initialise({ home, dataDirectory, binaries, user }));
  return {
    dataDirectory,
    portFile: join(home, "postgres-port"),
    logFile: join(dataDirectory, "postgres.log"),
    password,
    binaries,
    user,
  };
}

/** As root, the server's user must pass the home on its way to the data, and may not list it. */
async function makeHome(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const home = await realpath(directory);
  await chmod(home, process.getuid?.() === 0 ? 0o711 : 0o700);
  return home;
}

/** null: there is no cluster yet. */
async function readPassword(home: string, dataDirectory: string): Promise<string | null> {
  if ((await readIfThere(join(dataDirectory, "PG_VERSION"))) === null) return null;
  const password = await readIfThere(passwordFileOf(home));
  if (password !== null) return password;
  throw new PostgresError(
    `The database in ${dataDirectory} needs its password, and ${passwordFileOf(home)} is missing.`,
  );
}

type NewCluster = Pick<Cluster, "dataDirectory" | "binaries" | "user"> & { home: string };

/** initdb works beside the final place, so a killed one leaves nothing that looks like a whole cluster. */
async function initialise({ home, dataDirectory, binaries, user }: NewCluster): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  const passwordFile = passwordFileOf(home);
  const unfinished = `${dataDirectory}.unfinished`;
  await Promise.all([rm(unfinished, { recursive: true, force: true }), rm(passwordFile, { force: true })]);
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.kind === "other") {
    await Promise.all([unfinished, passwordFile].map((path) => chown(path, user.uid, user.gid)));
  }
  await runAs(user, [
    join(binaries, "initdb"),
    `--pgdata=${unfinished}`,
    `--pwfile=${passwordFile}`,
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
  ]);
  await rename(unfinished, dataDirectory);
  return password;
}

function passwordFileOf(home: string): string {
  return join(home, "postgres-password");
}

/** The superuser, in the database `postgres`. */
export function urlOf(cluster: Pick<Cluster, "password">, port: number): string {
  return `postgres://postgres:${cluster.password}@${LOOPBACK}:${port}/postgres`;
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
