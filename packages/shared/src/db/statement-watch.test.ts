import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { startTcpProxy } from "@earshot/testkit/tcp-proxy";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, test } from "vitest";
import { isConnectionLoss } from "./connection-loss.ts";
import { openDatabase } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

async function openThroughProxy() {
  const url = new URL(database.urls.worker);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const opened = openDatabase({ url: url.href, name: "test", max: 2, statementSeconds: 1 });
  return {
    proxy,
    db: opened.db,
    async [Symbol.asyncDispose]() {
      // The driver would say goodbye on connections that hear nothing.
      proxy.cut();
      await Promise.all([opened.close(), proxy[Symbol.asyncDispose]()]);
    },
  };
}

const lossOf = (work: Promise<unknown>) =>
  work.then(
    () => "answered",
    (error: unknown) => (isConnectionLoss(error) ? "lost" : error),
  );

test.concurrent("a statement on a half-open connection is given up as a lost connection, and the next one goes through", async ({
  expect,
}) => {
  await using opened = await openThroughProxy();
  const { db, proxy } = opened;
  await db.execute(sql`select 1`);
  proxy.stallOpen();
  expect(await lossOf(db.execute(sql`select 1`))).toBe("lost");
  expect([...(await db.execute(sql`select 2 as two`))]).toEqual([{ two: 2 }]);
});

test.concurrent.for(["begin", "statement", "commit"])(
  "so is a transaction whose %s hears nothing",
  async (step, { expect }) => {
    await using opened = await openThroughProxy();
    const { db, proxy } = opened;
    await db.execute(sql`select 1`);
    if (step === "begin") proxy.stallOpen();
    const transaction = db.transaction(async (tx) => {
      await tx.execute(sql`select 1`);
      proxy.stallOpen();
      if (step === "statement") await tx.execute(sql`select 1`);
    });
    expect(await lossOf(transaction)).toBe("lost");
  },
);

test.concurrent("a connection that is never answered is given up, too", async ({ expect }) => {
  await using opened = await openThroughProxy();
  opened.proxy.stall();
  expect(await lossOf(opened.db.execute(sql`select 1`))).toBe("lost");
  opened.proxy.heal();
  expect([...(await opened.db.execute(sql`select 2 as two`))]).toEqual([{ two: 2 }]);
});

test.concurrent("the server ends a statement that takes too long, and the connection goes on", async ({
  expect,
}) => {
  await using opened = await openThroughProxy();
  const slow = opened.db.execute(sql`select pg_sleep(30)`);
  await expect(slow).rejects.toMatchObject({ cause: { code: "57014" } });
  expect([...(await opened.db.execute(sql`select 2 as two`))]).toEqual([{ two: 2 }]);
  expect(opened.proxy.open).toBe(1);
});

test.concurrent("work that takes its time inside of a transaction is left alone", async ({ expect }) => {
  await using opened = await openThroughProxy();
  const { db } = opened;
  const [row] = await db.transaction(async (tx) => {
    await tx.execute(sql`select 1`);
    // Longer than a silent statement lives, while another connection works.
    for (let at = 0; at < 7; at++) await db.execute(sql`select pg_sleep(0.9)`);
    return tx.execute(sql`select 2 as two`);
  });
  expect(row).toEqual({ two: 2 });
});
