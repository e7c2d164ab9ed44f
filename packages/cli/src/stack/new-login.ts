import { randomBytes } from "node:crypto";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { DatabaseRole } from "./home.ts";

/** Lets a process in by a new password, and nobody by the old one; sessions that are open stay. Answers its URL. */
export async function newLogin(
  sql: OpenDatabase["sql"],
  role: DatabaseRole,
  ownersUrl: string,
): Promise<string> {
  const url = new URL(ownersUrl);
  url.username = `earshot_${role}`;
  url.password = randomBytes(24).toString("base64url");
  // ALTER ROLE takes no parameters; base64url needs no quoting.
  await sql.unsafe(`alter role ${url.username} login password '${url.password}'`);
  return url.href;
}
