import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "@earshot/shared/db/database";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { JobStory } from "@earshot/shared/db/job-stories";
import { newJob, openTestRooms, submitNewJob } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import { startRestartablePostgres } from "@earshot/testkit/restartable-postgres";
import { until } from "@earshot/testkit/until";
import { countingQueries } from "../test/counting-queries.ts";
import { claim, claimAndFinish } from "../test/worker-stand-in.ts";
import { watchJobs } from "./watch-jobs.node.ts";
import type { ClosableJobWatch } from "./watch-jobs.node.ts";
import type { WatchedJob } from "./watch-jobs.ts";

const NEVER_MS = 600_000;

let rooms: TestRooms;
let open: OpenDatabase;
let watch: ClosableJobWatch;
beforeEach(async () => {
  rooms = await openTestRooms();
  open = openDatabase({ url: rooms.urls.api, name: "watch" });
  watch = await watchJobs(open, { recheckMs: NEVER_MS });
});
afterEach(async () => {
  await watch.close();
  await open.close();
  await rooms[Symbol.asyncDispose]();
});

const patience = () => AbortSignal.timeout(30_000);
const statusOf = (story: JobStory | null) => story?.job.status ?? null;

async function submitted(): Promise<WatchedJob> {
  const { id } = await rooms.submit();
  return { jobId: id, accountId: rooms.accountId };
}

/** What one follower has seen so far. */
function follow(watching: ClosableJobWatch, job: WatchedJob, signal = patience()) {
  const seen: (string | null)[] = [];
  const ended = (async () => {
    for await (const story of watching.follow(job, { signal })) seen.push(statusOf(story));
    return seen;
  })();
  ended.catch(() => {});
  return { seen, ended };
}

const sees = (follower: { seen: unknown[] }, count: number) =>
  until(() => follower.seen.length >= count, { timeoutMs: 30_000, describe: `look ${count}` });

async function terminateListeners(db: TestRooms["owner"]): Promise<void> {
  await db`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'`;
}

test("who follows sees the job as it is, and once more after each change", async () => {
  const [job, other] = [await submitted(), await submitted()];
  const follower = follow(watch, job);
  await sees(follower, 1);
  await claim(rooms.worker, other.jobId);
  await claimAndFinish(rooms.worker, job.jobId);
  await until(() => follower.seen.at(-1) === "succeeded", { describe: "the end" });
  expect(follower.seen[0]).toBe("queued");
  expect(follower.seen.length).toBeLessThanOrEqual(3);
});

test("a change while somebody looks is not lost", async () => {
  const job = await submitted();
  const seen: (string | null)[] = [];
  for await (const story of watch.follow(job, { signal: patience() })) {
    seen.push(statusOf(story));
    // The follower is busy with what it saw when the change comes.
    if (seen.length === 1) await claimAndFinish(rooms.worker, job.jobId);
    else if (seen.at(-1) === "succeeded") break;
  }
  expect(seen.at(-1)).toBe("succeeded");
});

test("all who follow share one connection, and one look after a change", async () => {
  const job = await submitted();
  const counted = countingQueries(open.db);
  const counting = await watchJobs({ db: counted.db, sql: open.sql }, { recheckMs: NEVER_MS });
  const followers = Array.from({ length: 1_000 }, () => follow(counting, job));
  await until(() => followers.every(({ seen }) => seen.length === 1), { describe: "all have looked" });
  expect(counted.count()).toBe(1);
  expect(counting.followers).toBe(1_000);
  await claim(rooms.worker, job.jobId);
  await until(() => followers.every(({ seen }) => seen.length === 2), { describe: "all saw the change" });
  expect(counted.count()).toBe(2);
  const [row] = await open.sql`select count(*)::int from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'`;
  expect(row?.count).toBe(1);
  await counting.close();
  expect((await Promise.all(followers.map(({ ended }) => ended)))[0]).toEqual(["queued", "running"]);
});

test("1,000 who wait for 1,000 jobs cost one question a recheck, however long they wait", async () => {
  const { jobIds, accountId } = await thousandJobs();
  const counted = countingQueries(open.db);
  const counting = await watchJobs({ db: counted.db, sql: open.sql }, { recheckMs: 50 });
  const followers = jobIds.map((jobId) => follow(counting, { jobId, accountId }));
  await until(() => followers.every(({ seen }) => seen.length === 1), { timeoutMs: 30_000, describe: "all" });
  const looks = counted.count();
  await until(() => counted.count() >= looks + 3, { describe: "three rechecks" });
  expect(looks).toBeLessThan(1_000 + 100); // Some rechecks came in between.
  expect(followers.every(({ seen }) => seen.length === 1)).toBe(true);
  await counting.close();
});

async function thousandJobs(): Promise<{ jobIds: string[]; accountId: string }> {
  const { accountId } = rooms;
  const jobIds: string[] = [];
  for (let batch = 0; batch < 10; batch++) {
    const made = Array.from({ length: 100 }, () => rooms.submit());
    jobIds.push(...(await Promise.all(made)).map(({ id }) => id));
  }
  return { jobIds, accountId };
}

test("after a lost connection everybody looks again", async () => {
  const follower = follow(watch, await submitted());
  await sees(follower, 1);
  await terminateListeners(rooms.owner);
  await sees(follower, 2);
});

test("after a restart of Postgres it hears again", async () => {
  await using server = await startRestartablePostgres();
  const restarted = openDatabase({ url: server.urls.api, name: "watch" });
  const owner = openDatabase({ url: server.urls.owner, name: "owner" });
  const { id: accountId } = await createAccount(owner.db, parseSealKeys(newSealKey("test")), "test");
  const { id: jobId } = await submitNewJob(restarted.db, newJob(accountId));
  const watching = await watchJobs(restarted, { recheckMs: NEVER_MS });
  const follower = follow(watching, { jobId, accountId }, AbortSignal.timeout(50_000));
  await sees(follower, 1);
  await server.restart();
  await sees(follower, 2);
  await until(() => claim(owner.db, jobId), { timeoutMs: 30_000, describe: "a claim after the restart" });
  await until(() => follower.seen.at(-1) === "running", { timeoutMs: 30_000, describe: "the change" });
  await watching.close();
  await Promise.all([restarted.close(), owner.close()]);
});

test("what nobody was told of is found by the next recheck", async () => {
  const job = await submitted();
  const rechecking = await watchJobs(open, { recheckMs: 20 });
  const follower = follow(rechecking, job);
  await sees(follower, 1);
  await rooms.owner`alter table jobs disable trigger job_announced`;
  await claim(rooms.worker, job.jobId);
  await sees(follower, 2);
  expect(follower.seen).toEqual(["queued", "running"]);
  await rechecking.close();
});

test("a closed watch and an aborted follower end, after one look at least", async () => {
  const job = await submitted();
  expect(await follow(watch, job, AbortSignal.abort()).ended).toEqual(["queued"]);
  const follower = follow(watch, job);
  await sees(follower, 1);
  await watch.close();
  expect(await follower.ended).toEqual(["queued"]);
  expect(watch.followers).toBe(0);
});

test("another account, and an id that nobody has, see nothing", async () => {
  const { jobId } = await submitted();
  const stranger = follow(watch, { jobId, accountId: "acc_other" });
  const owner = follow(watch, { jobId, accountId: rooms.accountId });
  await Promise.all([sees(stranger, 1), sees(owner, 1)]);
  await claim(rooms.worker, jobId);
  await Promise.all([sees(stranger, 2), sees(owner, 2)]);
  expect(stranger.seen).toEqual([null, null]);
  expect(owner.seen).toEqual(["queued", "running"]);
});

test("a look that fails is told to who follows, and nobody is left in the room", async () => {
  const db = new Proxy(open.db, {
    get: (target, property, receiver) =>
      property === "select"
        ? () => {
            throw new Error("no database");
          }
        : Reflect.get(target, property, receiver),
  }) as Database;
  const failing = await watchJobs({ db, sql: open.sql }, { recheckMs: NEVER_MS });
  await expect(follow(failing, await submitted()).ended).rejects.toThrow("no database");
  expect(failing.followers).toBe(0);
  await failing.close();
});
