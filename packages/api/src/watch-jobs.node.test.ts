import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { startRestartablePostgres } from "@earshot/testkit/restartable-postgres";
import { until } from "@earshot/testkit/until";
import { watchJobs } from "./watch-jobs.node.ts";
import type { ClosableJobWatch } from "./watch-jobs.node.ts";

const JOB = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const WATCHED = { jobId: JOB, accountId: "acc_1" };
const NEVER_MS = 600_000;

let database: TestDatabase;
let open: OpenDatabase;
let watch: ClosableJobWatch;
beforeEach(async () => {
  database = await createTestDatabase();
  open = openDatabase({ url: database.urls.api, name: "watch" });
  watch = await watchJobs(open.sql, { recheckMs: NEVER_MS });
});
afterEach(async () => {
  await watch.close();
  await open.close();
  await database.drop();
});

const announce = (jobId: string) => open.sql.notify("earshot_jobs", jobId);

/** A job that looks as the test says, and how often it was looked at. */
function looks() {
  const job = { answer: null as string | null, count: 0 };
  const check = async () => {
    job.count += 1;
    return job.answer;
  };
  return { job, check };
}

test("who waits looks once at the start and once after each change of the job", async () => {
  const { job, check } = looks();
  const waiting = watch.waitFor(WATCHED, check, { signal: AbortSignal.timeout(20_000) });
  await until(() => job.count === 1, { describe: "the first look" });
  await announce(JOB);
  await until(() => job.count === 2, { describe: "the second look" });
  await announce("job_of_somebody_else");
  job.answer = "ended";
  await announce(JOB);
  expect(await waiting).toBe("ended");
  expect(job.count).toBe(3);
});

test("a change while somebody looks is not lost", async () => {
  let count = 0;
  const check = async () => {
    count += 1;
    // The look saw the job before the change; the change rings before the look is over.
    if (count > 1) return "ended";
    await announce(JOB);
    await new Promise(
      (heard) =>
        void open.sql.listen(
          "probe",
          () => {},
          () => heard(null),
        ),
    );
    return null;
  };
  expect(await watch.waitFor(WATCHED, check, { signal: AbortSignal.timeout(20_000) })).toBe("ended");
});

test("all who wait share one connection", async () => {
  const leaving = new AbortController();
  const waiters = Array.from({ length: 20 }, () => looks());
  const waiting = waiters.map(({ check }) => watch.waitFor(WATCHED, check, { signal: leaving.signal }));
  await until(() => waiters.every(({ job }) => job.count === 1), { describe: "all wait" });
  const [row] = await open.sql`select count(*)::int from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'`;
  expect(row?.count).toBe(1);
  leaving.abort();
  expect(await Promise.all(waiting)).toEqual(waiters.map(() => null));
});

test("after a lost connection everybody looks again", async () => {
  const { job, check } = looks();
  const waiting = watch.waitFor(WATCHED, check, { signal: AbortSignal.timeout(30_000) });
  await until(() => job.count === 1, { describe: "the first look" });
  job.answer = "ended while nobody listened";
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  await owner.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'`;
  expect(await waiting).toBe("ended while nobody listened");
  await owner.close();
});

test("after a restart of Postgres it hears again", async () => {
  await using server = await startRestartablePostgres();
  const restarted = openDatabase({ url: server.urls.api, name: "watch" });
  const watching = await watchJobs(restarted.sql, { recheckMs: NEVER_MS });
  const { job, check } = looks();
  const waiting = watching.waitFor(WATCHED, check, { signal: AbortSignal.timeout(50_000) });
  await until(() => job.count === 1, { describe: "the first look" });
  await server.restart();
  await until(() => job.count === 2, { timeoutMs: 30_000, describe: "the look after the restart" });
  job.answer = "ended";
  await restarted.sql.notify("earshot_jobs", JOB);
  expect(await waiting).toBe("ended");
  await watching.close();
  await restarted.close();
});

test("without any notification it looks now and then", async () => {
  await watch.close();
  watch = await watchJobs(open.sql, { recheckMs: 20 });
  const { job, check } = looks();
  const waiting = watch.waitFor(WATCHED, check, { signal: AbortSignal.timeout(20_000) });
  await until(() => job.count >= 3, { describe: "the third look" });
  job.answer = "ended";
  expect(await waiting).toBe("ended");
});

test("a closed watch and an aborted wait answer null, a failed look rejects", async () => {
  const { check } = looks();
  expect(await watch.waitFor(WATCHED, check, { signal: AbortSignal.abort() })).toBeNull();
  const failing = () => Promise.reject(new Error("no database"));
  await expect(watch.waitFor(WATCHED, failing, { signal: AbortSignal.timeout(20_000) })).rejects.toThrow(
    "no database",
  );
  const waiting = watch.waitFor(WATCHED, check, { signal: AbortSignal.timeout(20_000) });
  await watch.close();
  expect(await waiting).toBeNull();
});
