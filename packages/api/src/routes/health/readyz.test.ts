import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { createApp } from "../../app.ts";
import { readinessOf } from "../../readiness.node.ts";
import { openDatabase } from "@earshot/shared/db/database";

const MIGRATIONS = fileURLToPath(new URL("../../../../../migrations", import.meta.url));

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const ready = async (sql = api.owner.sql) => {
  const app = createApp({ ...api.deps, readiness: readinessOf(sql, MIGRATIONS) });
  const response = await api.send("GET", "/readyz", { via: app, headers: { Authorization: null } });
  return { code: response.status, ...(await bodyOf<object>(response)) };
};

test("it is ready when the database is there with every migration", async () => {
  expect(await ready()).toEqual({ code: 200, status: "ready", database: "up", migrations: "current" });
});

test("it is not ready while a migration is missing", async () => {
  await api.owner.sql`create table kept as select * from schema_migrations order by version desc limit 1`;
  await api.owner.sql`delete from schema_migrations where version = (select version from kept)`;
  expect(await ready()).toEqual({ code: 503, status: "not_ready", database: "up", migrations: "behind" });
  await api.owner.sql`insert into schema_migrations select * from kept`;
  expect(await ready()).toMatchObject({ code: 200 });
});

test("it is not ready without a database, and alive all the same", async () => {
  const gone = openDatabase({ url: "postgres://nobody@127.0.0.1:1/none", name: "gone" });
  expect(await ready(gone.sql)).toEqual({
    code: 503,
    status: "not_ready",
    database: "down",
    migrations: "unknown",
  });
  expect((await api.send("GET", "/healthz", { headers: { Authorization: null } })).status).toBe(200);
  await gone.close();
});
