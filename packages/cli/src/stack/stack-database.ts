import { fileURLToPath } from "node:url";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { migrate, MigrationError } from "@earshot/shared/db/migrate";
import { DATABASE_ROLES } from "./home.ts";
import type { DatabaseRole, Home } from "./home.ts";
import { newLogin } from "./new-login.ts";
import { readSecret, writeSecret } from "./secret-file.ts";
import { StackError } from "./stack-error.ts";

const DATABASE = "earshot";
export const MIGRATIONS = fileURLToPath(new URL("../../../../migrations", import.meta.url));

/** Where the tables are. */
export interface StackServer {
  ownerUrl: string;
  /** Passwords that still open something stay: processes that run know no other. */
  keepsLogins?: true;
}

/** The product's database as its owner, with every migration applied, and a login for each process in the home. */
export async function openStackDatabase(home: Home, server: StackServer): Promise<OpenDatabase> {
  await createDatabase(server);
  const url = new URL(server.ownerUrl);
  url.pathname = `/${DATABASE}`;
  const database = openDatabase({ url: url.href, name: "earshot up", max: 1 });
  try {
    await migrate(database.sql, MIGRATIONS);
    for (const role of DATABASE_ROLES) {
      if (server.keepsLogins && (await isOpen(home.databaseUrl(role)))) continue;
      await renewLogin(database, role, home, url);
    }
    return database;
  } catch (error) {
    await database.close();
    throw error instanceof MigrationError ? unfit(home, error) : error;
  }
}

function unfit(home: Home, cause: MigrationError): StackError {
  return new StackError(
    `The database in ${home.directory} does not fit this version of Earshot: ${cause.message} ` +
      "Start the version that made it, or name another EARSHOT_HOME.",
    { cause },
  );
}

export async function createDatabase({ ownerUrl }: StackServer): Promise<void> {
  const server = openDatabase({ url: ownerUrl, name: "earshot up", max: 1 });
  try {
    const found = await server.sql`select from pg_database where datname = ${DATABASE}`;
    if (found.length === 0) await server.sql`create database ${server.sql(DATABASE)}`;
  } finally {
    await server.close();
  }
}

/** Whether the URL in a file opens a database. */
async function isOpen(file: string): Promise<boolean> {
  const url = await readSecret(file);
  if (url === null) return false;
  const { sql, close } = openDatabase({ url, name: "earshot setup", max: 1 });
  try {
    await sql`select`;
    return true;
  } catch {
    return false;
  } finally {
    await close();
  }
}

/** A password lives as long as one run of the stack: whoever has read an old one can do nothing with it. */
async function renewLogin(database: OpenDatabase, role: DatabaseRole, home: Home, owner: URL): Promise<void> {
  await writeSecret(home.databaseUrl(role), await newLogin(database.sql, role, owner.href));
}
