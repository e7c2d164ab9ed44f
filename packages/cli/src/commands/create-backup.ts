import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { openDatabase } from "@earshot/shared/db/database";
import { writeBackup } from "../backup/write-backup.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { keyFilesOf, readPlace } from "./backup-target.ts";
import { usageError } from "./command-error.ts";
import { ownersUrl } from "./owner-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface CreateBackupOptions {
  out: string;
  recipient: string[];
  plain?: true;
  withKeys?: true;
  /** Of `--without-blobs`. */
  withoutBlobs?: true;
  keep?: string;
  json?: true;
}

const NAME = /^earshot-\d{4}-\d\d-\d\dT\d{6}Z\.tar\.gz(\.age)?$/;

/** @throws CommandError, and whatever stands in the way; no file is left then. */
export async function createBackup(options: CreateBackupOptions, terminal: Terminal): Promise<void> {
  refuseOpen(options);
  const keep = options.keep === undefined ? null : readKeep(options.keep);
  const { home, databaseUrl, blobs } = await readPlace(terminal.env);
  const { directory, file } = await placeOf(options);
  if (keep !== null && directory === null) throw usageError("--keep wants --out to be a directory.");
  const keys = new Map<string, string>();
  if (options.withKeys) {
    for (const [name, path] of keyFilesOf(home)) {
      const content = await readSecret(path);
      if (content !== null) keys.set(name, content);
    }
  }
  const url = databaseUrl ?? (await ownersUrl(home.directory));
  const { sql, close } = openDatabase({ url, name: "earshot backup", max: 1 });
  try {
    const withBlobs = options.withoutBlobs === undefined;
    const summary = await writeBackup(file, options.recipient, { sql, blobs, withBlobs, keys });
    const removed = keep === null || directory === null ? [] : await removeOld(directory, keep);
    const { size } = await stat(file);
    const told = { file, bytes: size, ...summary, keys: keys.size, removed };
    terminal.out(
      options.json
        ? JSON.stringify(told)
        : `${file}: ${summary.tables} tables, ${summary.blobs} blobs, ${size} bytes`,
    );
    if (summary.missingBlobs > 0)
      terminal.err(
        `${summary.missingBlobs} blobs that rows name are not there: deleted while this was written, or lost`,
      );
  } finally {
    await close();
  }
}

/** Nobody writes secrets in plain by leaving something out. */
function refuseOpen({ recipient, plain, withKeys }: CreateBackupOptions): void {
  if (recipient.length === 0 && !plain)
    throw usageError("Say whom to encrypt for: --recipient age1… (earshot backup keygen), or --plain.");
  if (recipient.length > 0 && plain) throw usageError("--plain and --recipient exclude each other.");
  if (plain && withKeys) throw usageError("--with-keys is for encrypted backups alone.");
  const foreign = recipient.find((name) => !/^age1[0-9a-z]{58,}$/.test(name));
  if (foreign !== undefined) throw usageError(`${foreign} is no recipient: those begin with age1.`);
}

function readKeep(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw usageError("--keep is a whole number from 1 on.");
  return number;
}

async function placeOf({
  out,
  plain,
}: CreateBackupOptions): Promise<{ directory: string | null; file: string }> {
  const path = resolve(out);
  const found = await stat(path).catch(() => null);
  if (found === null) return { directory: null, file: path };
  if (!found.isDirectory()) throw usageError(`${path} is there already.`);
  const time = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "");
  return { directory: path, file: join(path, `earshot-${time}.tar.gz${plain ? "" : ".age"}`) };
}

/** Names sort by time. */
async function removeOld(directory: string, keep: number): Promise<string[]> {
  const backups = (await readdir(directory)).filter((name) => NAME.test(name)).toSorted();
  const old = backups.slice(0, -keep);
  for (const name of old) await rm(join(directory, name));
  return old;
}

/** An X25519 identity of age, and on stdout whom to encrypt for. */
export async function makeIdentity(
  { out, json }: { out: string; json?: true },
  terminal: Terminal,
): Promise<void> {
  if ((await readSecret(out)) !== null) throw usageError(`${out} is there already.`);
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  await writeSecret(out, identity);
  terminal.out(json ? JSON.stringify({ recipient, file: out }) : recipient);
}
