import { parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { isConnectionLoss } from "@earshot/shared/db/connection-loss";
import { openDatabase } from "@earshot/shared/db/database";
import type { Database } from "@earshot/shared/db/database";
import * as z from "zod";
import { readSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError } from "./command-error.ts";

/** Runs `work` on the database that EARSHOT_DATABASE_URL names, or on that of the home's stack, as the API would. @throws CommandError when that stack isn't running. */
export async function withStackDatabase<T>(env: Env, work: (db: Database) => Promise<T>): Promise<T> {
  const { home } = readStackConfig(env);
  const { DATABASE_URL } = parseEnv(env, { DATABASE_URL: z.url().optional() }, ["DATABASE_URL"]);
  const url = DATABASE_URL ?? (await readSecret(home.databaseUrl("api")));
  if (url === null) throw notRunning(home.directory);
  const { db, close } = openDatabase({ url, name: "earshot cli", max: 1 });
  try {
    return await work(db);
  } catch (error) {
    throw isConnectionLoss(error) ? notRunning(home.directory) : error;
  } finally {
    await close();
  }
}

function notRunning(directory: string) {
  return missingError(
    `No stack runs in ${directory}. Start it with: npm start (or name another EARSHOT_HOME)`,
  );
}
