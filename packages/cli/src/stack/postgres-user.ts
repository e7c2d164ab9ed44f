import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { PostgresError } from "./postgres-error.ts";

/**
 * Who the server runs as. Postgres refuses to be root, so root lends it the uid of another user; where that user
 * may not pass a directory on the way, a user namespace shows root's own files to the server under that uid.
 */
export type ServerUser =
  | { kind: "self" }
  | { kind: "other"; name: string; uid: number; gid: number }
  | { kind: "namespace"; name: string; uid: number; gid: number };

type Account = { name: string; uid: number; gid: number };

/** `directories`: what the server must be able to enter. */
export async function chooseServerUser(directories: readonly string[]): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { kind: "self" };
  const account = await findUnprivilegedAccount();
  const barrier = await findBarrier(directories, account);
  if (barrier === null) return { kind: "other", ...account };
  if (await canMapUsers(account)) return { kind: "namespace", ...account };
  throw new PostgresError(
    `Postgres does not run as root, and the user ${account.name} may not pass ${barrier}. ` +
      `Let others pass it (chmod o+x ${barrier}), work in another directory, or run Earshot as another user.`,
  );
}

/** initdb asks for the name of its uid, so the account must really exist. */
async function findUnprivilegedAccount(): Promise<Account> {
  const accounts = (await readFile("/etc/passwd", "utf8")).split("\n").map(parseAccount);
  for (const wanted of ["postgres", "nobody"]) {
    const account = accounts.find(({ name, uid }) => name === wanted && uid > 0);
    if (account) return account;
  }
  throw new PostgresError(
    "Postgres does not run as root, and there is no user named postgres or nobody to run it as.",
  );
}

function parseAccount(line: string): Account {
  const [name = "", , uid, gid] = line.split(":");
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** The first directory on the way that `account` may not pass, or null. */
async function findBarrier(directories: readonly string[], account: Account): Promise<string | null> {
  for (const directory of directories.flatMap(fromRoot)) {
    if (!(await mayPass(directory, account))) return directory;
  }
  return null;
}

function fromRoot(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [...fromRoot(parent), directory];
}

async function mayPass(directory: string, account: Account): Promise<boolean> {
  const { mode, uid, gid } = await stat(directory);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

async function canMapUsers(account: Account): Promise<boolean> {
  const [command, ...args] = namespaceCommand(account, "true");
  return promisify(execFile)(command, args).then(
    () => true,
    () => false,
  );
}

/** In the namespace the caller's files belong to `account`. Nothing outside it changes hands. */
export function namespaceCommand(account: Account, ...command: [string, ...string[]]): [string, ...string[]] {
  return ["unshare", "--user", `--map-user=${account.uid}`, `--map-group=${account.gid}`, "--", ...command];
}
