import * as z from "zod";
import type { LoopbackAllowance } from "../domain/loopback.ts";
import { ConfigError } from "./config-error.ts";
import { isProduction, weaknessOf } from "./production.ts";
import { readSecretFile } from "./secret-file.ts";

export type Env = Readonly<Record<string, string | undefined>>;

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
  return readSecretFile(`EARSHOT_${name}_FILE`, file);
}
