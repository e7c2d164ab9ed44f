import { readFileSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "./config-error.ts";

/** @throws ConfigError for a file that isn't there, or is open to others. */
export function readSecretFile(variable: string, file: string): string {
  refuseOpenFile(variable, file);
  return readFileSync(file, "utf8").trim();
}

const TMPFS_MAGIC = 0x01021994;

/** Refused: a file that group or others can write, or that others can read outside a tmpfs such as /run/secrets. @throws ConfigError */
export function refuseOpenFile(variable: string, file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new ConfigError(`${variable}: ${file} is not a file`);
  if (process.platform === "win32") return;
  const onTmpfs = statfsSync(dirname(file)).type === TMPFS_MAGIC;
  if ((stat.mode & 0o022) !== 0 || ((stat.mode & 0o004) !== 0 && !onTmpfs)) {
    throw new ConfigError(
      `${variable}: ${file} is open to others (mode ${(stat.mode & 0o777).toString(8)}); chmod 600 it`,
    );
  }
}
