import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXPORTED, exportRows, NOT_EXPORTED } from "./export-account.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
afterAll(() => rooms[Symbol.asyncDispose]());

test("every table that knows accounts is told, or left out on purpose", async () => {
  const tables = await rooms.owner<{ name: string }[]>`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'account_id'`;
  const known = [...EXPORTED.map(({ table }) => table), ...NOT_EXPORTED];
  expect(tables.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
});

test("an account of many pages is told whole, each row once, a page in memory at a time", async () => {
  const jobs = Array.from({ length: 450 }, (_, n) => `job_${String(n).padStart(4, "0")}`);
  const { id } = await rooms.submit();
  // Many within one millisecond, as they come.
  await rooms.owner`
    insert into jobs (id, account_id, status, input_url, tasks, timeout_seconds, retention_seconds, queue_deadline_at, request_id, claimable_at)
    select j, account_id, 'queued', input_url, tasks, timeout_seconds, retention_seconds, queue_deadline_at, request_id, claimable_at
    from jobs, unnest(string_to_array(${jobs.join(",")}, ',')) j where id = ${id}`;
  const seen: unknown[] = [];
  for await (const { type, row } of exportRows(rooms.api, rooms.accountId, () => true)) {
    if (type === "job") seen.push(row["id"]);
  }
  expect(seen.toSorted()).toEqual([...jobs, id].toSorted());
});
