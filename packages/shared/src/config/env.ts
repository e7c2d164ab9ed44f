import { readFileSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import type { LoopbackAllowance } from "../domain/loopback.ts";
import { isProduction, weaknessOf } from "./production.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Something about how this process was started is wrong; the message says what, and is safe to print. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Parses the environment once, at the start of a process. Keys of `shape` are the variables' names without `EARSHOT_`;
 * names in `secrets` may come from the file that `EARSHOT_<NAME>_FILE` names instead.
 * In production default, short and missing secrets are refused.
 * @throws ConfigError that names every variable that is missing or wrong, never its value.
 */
export function parseEnv<Shape extends z.ZodRawShape>(
  env: Env,
  shape: Shape,
  secrets: readonly (keyof Shape & string)[] = [],
  requiredInProduction: readonly (keyof Shape & string)[] = [],
): z.output<z.ZodObject<Shape>> {
  const raw = Object.fromEntries(
    Object.keys(shape).map((name) => [
      name,
      secrets.includes(name) ? readSecret(env, name) : nonEmpty(env, name),
    ]),
  );
  const parsed = z.object(shape).safeParse(raw);
  const unsafe = isProduction(env, raw["DATABASE_URL"])
    ? problemsInProduction(raw, secrets, requiredInProduction)
    : [];
  if (parsed.success && unsafe.length === 0) return parsed.data;
  const wrong =
    parsed.error?.issues.map((issue) => `EARSHOT_${issue.path.join(".")}: ${issue.message}`) ?? [];
  const problems = [...wrong, ...unsafe];
  throw new ConfigError(`the configuration is not valid: ${problems.join("; ")}`);
}

/** What an experiment may do and a service that others rely on may not. */
function problemsInProduction(
  raw: Readonly<Record<string, string | undefined>>,
  secrets: readonly string[],
  required: readonly string[],
): string[] {
  const missing = required.filter((name) => raw[name] === undefined).map((name) => [name, "is missing"]);
  const weak = secrets.flatMap((name) => {
    const weakness = raw[name] === undefined ? null : weaknessOf(name, raw[name]);
    return weakness === null ? [] : [[name, weakness]];
  });
  const open = ["0", "false", undefined].includes(raw["ALLOW_LOOPBACK"]);
  const loopbackOpen = open ? [] : [["ALLOW_LOOPBACK", "is for tests"]];
  return [...missing, ...weak, ...loopbackOpen].map(
    ([name, problem]) => `EARSHOT_${name}: ${problem} (this is production: EARSHOT_ENV)`,
  );
}

/** `true` for 1 and true, `false` for 0, false and nothing. */
export const flag = z
  .enum(["0", "1", "false", "true"])
  .default("0")
  .transform((value) => value === "1" || value === "true");

/** As `flag`, or the number of the one port that may be reached. */
export const loopback = z
  .string()
  .regex(/^(0|1|false|true|[1-9]\d{1,4})$/, "is 0, 1 or a port")
  .default("0")
  .transform((value): LoopbackAllowance =>
    /^\d{2,}$/.test(value) ? { port: Number(value) } : ["1", "true"].includes(value),
  );

export const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

function nonEmpty(env: Env, name: string): string | undefined {
  return env[`EARSHOT_${name}`] || undefined;
}

function readSecret(env: Env, name: string): string | undefined {
  const file = nonEmpty(env, `${name}_FILE`);
  if (file === undefined) return nonEmpty(env, name);
  refuseOpenFile(`EARSHOT_${name}_FILE`, file);
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
