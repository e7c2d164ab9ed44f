import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { isConnectionLoss } from "@earshot/shared/db/connection-loss";
import { openDatabase } from "@earshot/shared/db/database";
import type { Database, OpenDatabase } from "@earshot/shared/db/database";
import * as z from "zod";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError } from "./command-error.ts";

/** How the owner came in. */
interface OwnersConnection {
  sql: OpenDatabase["sql"];
  url: string;
}

/**
 * Runs `work` as the owner of the tables: of the database that EARSHOT_DATABASE_DIRECT_URL (past a pooler) or
 * EARSHOT_DATABASE_URL names, or of the home's stack.
 */
export async function withOwnersDatabase<T>(
  env: Env,
  work: (db: Database, connection: OwnersConnection) => Promise<T>,
): Promise<T> {
  const { home } = readStackConfig(env);
  const shape = { DATABASE_DIRECT_URL: z.url().optional(), DATABASE_URL: z.url().optional() };
  const { DATABASE_DIRECT_URL, DATABASE_URL } = parseEnv(env, shape, ["DATABASE_DIRECT_URL", "DATABASE_URL"]);
  const url = DATABASE_DIRECT_URL ?? DATABASE_URL ?? (await ownersUrl(home.directory));
  // `migrate` holds one connection for its lock.
  const { db, sql, close } = openDatabase({ url, name: "earshot cli", max: 2 });
  try {
    return await work(db, { sql, url });
  } catch (error) {
    throw isConnectionLoss(error) ? notRunning(home.directory) : error;
  } finally {
    await close();
  }
}

/** Of the home's stack. @throws CommandError when it isn't running. */
export async function ownersUrl(directory: string): Promise<string> {
  try {
    const [password, port] = await Promise.all(
      ["postgres-password", "postgres-port"].map((file) => readFile(join(directory, file), "utf8")),
    );
    return `postgres://postgres:${password?.trim()}@127.0.0.1:${port?.trim()}/earshot`;
  } catch {
    throw notRunning(directory);
  }
}

function notRunning(directory: string) {
  return missingError(
    `No stack runs in ${directory}. Start it with: npm start (or name another EARSHOT_HOME)`,
  );
}
