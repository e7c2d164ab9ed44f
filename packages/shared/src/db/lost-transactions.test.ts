import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isConnectionLoss } from "./connection-loss.ts";
import type { Database, OpenDatabase } from "./database.ts";
import { openDatabase } from "./database.ts";

let rooms: TestRooms;
let opened: OpenDatabase;
beforeAll(async () => {
  rooms = await openTestRooms();
  await rooms.owner`create table written (step text)`;
  await rooms.owner`grant all on written to earshot_worker`;
  // One connection: whoever asks next gets the one that the transaction had.
  opened = openDatabase({ url: rooms.urls.worker, name: "lost transactions", max: 1 });
});
afterAll(async () => {
  await opened.close();
  await rooms[Symbol.asyncDispose]();
});

/** What a restart of the server does to a transaction between two of its statements. */
async function cut(): Promise<void> {
  const ours = "usename = 'earshot_worker' and application_name = 'lost transactions'";
  await rooms.owner.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`);
  await until(
    async () => (await rooms.owner.unsafe(`select from pg_stat_activity where ${ours}`)).length === 0,
    { describe: "the session to be gone" },
  );
}

const written = async () => (await rooms.owner`select step from written`).map(({ step }) => String(step));
const write = (db: Database, step: string) => db.execute(sql`insert into written values (${step})`);

const lossOf = (work: Promise<unknown>) =>
  work.then(
    () => "committed",
    (error: unknown) => (isConnectionLoss(error) ? "lost" : error),
  );

test("a transaction whose connection goes between two statements is lost, and the process stays", async () => {
  const transaction = opened.db.transaction(async (tx) => {
    await write(tx, "first");
    await cut();
  });
  expect(await lossOf(transaction)).toBe("lost");
  expect(await written()).toEqual([]);
});

test("what comes after the loss runs nowhere, though the connection is somebody else's by then", async () => {
  const steps: unknown[] = [];
  const finished = Promise.withResolvers<void>();
  const transaction = opened.db.transaction(async (tx) => {
    await write(tx, "first");
    await cut();
    await write(opened.db, "another's");
    try {
      steps.push(await lossOf(write(tx, "second")));
      steps.push(await lossOf(tx.transaction((inner) => write(inner, "third"))));
      steps.push(await lossOf(tx.select({ one: sql`1` }).from(sql`written`)));
    } finally {
      finished.resolve();
    }
  });
  expect(await lossOf(transaction)).toBe("lost");
  await finished.promise;
  expect(steps).toEqual(["lost", "lost", "lost"]);
  expect(await written()).toEqual(["another's"]);
});

test("an error of the work itself rolls back as ever, and so does a savepoint alone", async () => {
  await rooms.owner`delete from written`;
  const failing = opened.db.transaction(async (tx) => {
    await write(tx, "first");
    throw new Error("of ours");
  });
  await expect(failing).rejects.toThrow("of ours");
  await opened.db.transaction(async (tx) => {
    await write(tx, "second");
    const inner = tx.transaction(async (savepoint) => {
      await write(savepoint, "third");
      throw new Error("inside");
    });
    await expect(inner).rejects.toThrow("inside");
    await write(tx, "fourth");
  });
  expect(await written()).toEqual(["second", "fourth"]);
});
