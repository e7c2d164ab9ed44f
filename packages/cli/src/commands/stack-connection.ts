import type { Env } from "@earshot/shared/config/env";
import { isConnectionLoss } from "@earshot/shared/db/connection-loss";
import { openDatabase } from "@earshot/shared/db/database";
import type { Database } from "@earshot/shared/db/database";
import { readSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError } from "./command-error.ts";

/** Runs `work` on the database of the home's stack, as the API would. @throws CommandError when that stack isn't running. */
export async function withStackDatabase<T>(env: Env, work: (db: Database) => Promise<T>): Promise<T> {
  const { home } = readStackConfig(env);
  const url = await readSecret(home.databaseUrl("api"));
  if (url === null) throw notRunning(home.directory);
  const { db, close } = openDatabase({ url, name: "earshot keys", max: 1 });
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
