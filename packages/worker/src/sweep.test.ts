import { planBlobDeletion, withSweepLock } from "@earshot/shared/db/sweep";
import type { Log } from "@earshot/shared/log";
import { silentLog } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createSweep } from "./sweep.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const never = new AbortController().signal;

/** Deletes all blobs but those whose key says that they are stuck. */
function openBlobs() {
  const deleted: string[] = [];
  return {
    deleted,
    async delete(key: string): Promise<void> {
      if (key.includes("stuck")) throw new Error("the disk says no");
      deleted.push(key);
    },
  };
}

function sweepWith(options: { blobs?: ReturnType<typeof openBlobs>; log?: Log } = {}) {
  const { blobs = openBlobs(), log = silentLog } = options;
  return createSweep({ db: rooms.deliver, blobs, log, random: () => 0.5, periodMs: 10 });
}

const pastDeadline = () => rooms.owner`update jobs set queue_deadline_at = now() - interval '1 s'`;
const countIn = async (status: string) =>
  (await rooms.owner`select 1 from jobs where status = ${status}`).length;

test("one sweep takes batch after batch until nothing is left, and numbers the events of the earlier ones", async () => {
  await rooms.owner`
    insert into jobs (id, account_id, input_url, tasks, timeout_seconds, retention_seconds, request_id, queue_deadline_at, claimable_at)
    select 'job_' || n, ${rooms.accountId}, 'https://example.com', '{audio.features}', 60, 60, 'req', now() - interval '1 s', now()
    from generate_series(1, 501) n`;
  expect(await sweepWith().once(never)).toBe(true);
  expect(await countIn("expired")).toBe(501);
  await sweepWith().once(never);
  expect(await rooms.owner`select count(*)::int, max(sequence)::int from events`).toEqual([
    { count: 501, max: 501 },
  ]);
});

test("due blobs are deleted and forgotten; one that can't be stays due, and the log says so", async () => {
  for (const key of ["results/a", "results/stuck", "results/b"]) await planBlobDeletion(rooms.worker, key, 0);
  await planBlobDeletion(rooms.worker, "results/later", 3_600);
  const faults: unknown[] = [];
  const log = {
    ...silentLog,
    error: (event: string, fields: object = {}) => void faults.push({ event, ...fields }),
  };
  const blobs = openBlobs();
  await sweepWith({ blobs, log }).once(never);
  expect(blobs.deleted.toSorted()).toEqual(["results/a", "results/b"]);
  const left = await rooms.owner`select blob_key from blob_deletions order by blob_key`;
  expect(left).toEqual([{ blob_key: "results/later" }, { blob_key: "results/stuck" }]);
  expect(faults).toMatchObject([{ event: "sweep_step_failed", step: "delete_blobs" }]);
});

test("a step that fails doesn't stop the others", async () => {
  await rooms.submit();
  await pastDeadline();
  await planBlobDeletion(rooms.worker, "results/a", 0);
  const faults: unknown[] = [];
  const log = {
    ...silentLog,
    error: (event: string, fields: object = {}) => void faults.push({ event, ...fields }),
  };
  const blobs = openBlobs();
  await rooms.owner`revoke update on events from earshot_deliver`;
  try {
    await sweepWith({ blobs, log }).once(never);
  } finally {
    await rooms.owner`grant update on events to earshot_deliver`;
  }
  expect(faults).toMatchObject([{ step: "number_events" }]);
  expect(await countIn("expired")).toBe(1);
  expect(blobs.deleted).toEqual(["results/a"]);
});

test("nothing is swept while another process sweeps", async () => {
  await rooms.submit();
  await pastDeadline();
  await withSweepLock(rooms.deliver, async () => {
    expect(await sweepWith().once(never)).toBe(false);
  });
  expect(await countIn("queued")).toBe(1);
});

test("it sweeps each period until it is stopped", async () => {
  const stop = new AbortController();
  const run = sweepWith().run(stop.signal);
  for (const swept of [1, 2]) {
    await rooms.submit();
    await pastDeadline();
    await until(async () => (await countIn("expired")) === swept, { describe: `${swept} swept jobs` });
  }
  stop.abort();
  await run;
});
