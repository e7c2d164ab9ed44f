import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { createTestDatabase } from "@earshot/testkit/database";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { openDatabase, transportSecurity } from "./database.ts";

test.each(["127.0.0.1", "localhost", "[::1]"])("a database on %s needs no encryption", (host) => {
  expect(transportSecurity(`postgres://u:p@${host}:5432/db`)).toBe(false);
});

test.each(["", "?sslmode=require", "?sslmode=prefer", "?sslmode=disable"])(
  "a remote database without sslmode=verify-full is refused (%j), and its password is not told",
  (query) => {
    const url = `postgres://u:hunter2@db.example.com/db${query}`;
    expect(() => transportSecurity(url)).toThrow(/db\.example\.com needs sslmode=verify-full/);
    expect(() => transportSecurity(url)).not.toThrow(/hunter2/);
  },
);

test("certificates are checked", () => {
  const url = "postgres://u:p@db.example.com/db?sslmode=verify-full";
  expect(transportSecurity(url)).toEqual({ rejectUnauthorized: true });
});

test("a new connection asks nothing that nobody awaits: the driver's question for types would outlive a cut", async () => {
  const database = await createTestDatabase();
  const { hostname, port } = new URL(database.urls.api);
  const sent: Buffer[] = [];
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.on("data", (bytes) => sent.push(bytes)).pipe(server);
    server.pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = new URL(database.urls.api);
  url.port = String((proxy.address() as AddressInfo).port);
  const { db, close } = openDatabase({ url: url.href, name: "through a proxy" });
  expect(await db.execute(sql`select 'asked' as it`)).toMatchObject([{ it: "asked" }]);
  await close();
  proxy.close();
  await database.drop();
  const text = Buffer.concat(sent).toString("latin1");
  expect(text).toContain("select 'asked' as it");
  expect(text).not.toContain("pg_type");
});
