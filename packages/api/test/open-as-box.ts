import { openDatabase } from "@earshot/shared/db/database";
import type { DatabaseOptions, OpenDatabase } from "@earshot/shared/db/database";
import type { BoxToken } from "./box.ts";

/** The database as a machine reaches it, by what the API has lent it. */
export function openAsBox(
  { database: { url, password } }: BoxToken,
  options: Pick<DatabaseOptions, "carrier"> = {},
): OpenDatabase {
  return openDatabase({ url, password: async () => password, max: 1, name: "a box", ...options });
}
