import { readFileSync } from "node:fs";
import { parseEnv as parseLines } from "node:util";
import type { Env } from "./env.ts";
import { ConfigError } from "./config-error.ts";
import { refuseOpenFile } from "./secret-file.ts";

/**
 * The environment with what stands in the file that EARSHOT_ENV_FILE names (`NAME=value` lines), which goes before it: a process
 * can read the file again, its own environment never changes. Without the variable it is the environment.
 * @throws ConfigError for a file that is not there or is open to others.
 */
export function withEnvFile(env: Env): Env {
  const file = env["EARSHOT_ENV_FILE"];
  if (!file) return env;
  refuseOpenFile("EARSHOT_ENV_FILE", file);
  try {
    return { ...env, ...parseLines(readFileSync(file, "utf8")) };
  } catch (cause) {
    throw new ConfigError(`EARSHOT_ENV_FILE: ${file} can't be read`, { cause });
  }
}
