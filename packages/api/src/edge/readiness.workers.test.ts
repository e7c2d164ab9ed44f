import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@earshot/shared/db/database";
import { createTestDatabase } from "@earshot/testkit/database";
import { expect, test } from "vitest";
import { LAST_MIGRATION, readinessAtEdge } from "./readiness.workers.ts";

const MIGRATIONS = fileURLToPath(new URL("../../../../migrations", import.meta.url));

test("LAST_MIGRATION is the number of the last file in migrations/: raise it with each new one", async () => {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).toSorted();
  expect(LAST_MIGRATION).toBe(Number(files.at(-1)?.slice(0, 4)));
});

test("a database with every migration is current, one that lacks the last is behind", async () => {
  await using database = await createTestDatabase();
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  const api = openDatabase({ url: database.urls.api, name: "api" });
  const ready = readinessAtEdge(api.db);
  const patience = () => AbortSignal.timeout(10_000);
  expect(await ready(patience())).toEqual({ database: "up", migrations: "current" });
  await owner.sql`delete from schema_migrations where version = ${LAST_MIGRATION}`;
  expect(await ready(patience())).toEqual({ database: "up", migrations: "behind" });
  await Promise.all([owner.close(), api.close()]);
  expect(await ready(patience())).toEqual({ database: "down", migrations: "unknown" });
});

test("nobody waits longer than the signal for a database that does not answer", async () => {
  await using database = await createTestDatabase();
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  const api = openDatabase({ url: database.urls.api, name: "api" });
  await owner.sql.begin(async (sql) => {
    await sql`lock table schema_migrations`;
    expect(await readinessAtEdge(api.db)(AbortSignal.timeout(50))).toMatchObject({ database: "down" });
  });
  await Promise.all([owner.close(), api.close()]);
});
