import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../crypto/ids.ts";
import type { JobFilter } from "./list-jobs.ts";
import { listJobs, listOutcomesOf, selectJobs } from "./list-jobs.ts";

const ALL: JobFilter = { status: null, task: null, createdAfter: null, createdBefore: null, metadata: {} };
const ROWS = 20_000;

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
  await fill();
});
afterAll(() => rooms[Symbol.asyncDispose]());

/** An account of many jobs: one in two is a tombstone, one in 2,000 failed, one in 1,000 has a field of its own. */
async function fill(): Promise<void> {
  await rooms.owner`
    insert into jobs (id, account_id, status, input_url, tasks, metadata, timeout_seconds, retention_seconds, request_id,
      created_at, queue_deadline_at, claimable_at, finished_at, deleted_at)
    select 'job_' || lpad(n::text, 6, '0'), ${rooms.accountId}, case when n % 2000 = 1 then 'failed' else 'succeeded' end,
      'https://example.com', '{audio.features}',
      jsonb_build_object('env', 'live', 'take', (n / 1000)::text || case when n % 1000 = 1 then '' else 'x' || n end),
      60, 60, 'req', now() - n * interval '1 s', now(), now(), now(), case when n % 2 = 0 then now() end
    from generate_series(1, ${ROWS}::int) n`;
  await rooms.owner`vacuum analyze jobs`;
}

const page = (filter: Partial<JobFilter>, limit = 20) =>
  listJobs(rooms.api, rooms.accountId, { ...ALL, ...filter }, { after: null, limit });

interface Plan {
  "Node Type": string;
  "Index Name"?: string;
  "Actual Rows": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

async function planOf(filter: Partial<JobFilter>, after: { createdAt: Date; id: string } | null = null) {
  const query = selectJobs(rooms.api, rooms.accountId, { ...ALL, ...filter }, { after, limit: 21 });
  const { sql, params } = query.toSQL();
  const [row] = await rooms.owner.unsafe<{ "QUERY PLAN": [{ Plan: Plan }] }[]>(
    `explain (analyze, format json) ${sql}`,
    params as string[],
  );
  const nodes = nodesOf(row?.["QUERY PLAN"][0].Plan ?? { "Node Type": "nothing", "Actual Rows": 0 });
  return {
    indexes: nodes.flatMap((node) => node["Index Name"] ?? []),
    kinds: nodes.map((node) => node["Node Type"]),
    passedOver: Math.max(...nodes.map((node) => node["Rows Removed by Filter"] ?? 0)),
  };
}

const MIDDLE = { createdAt: new Date(Date.now() - (ROWS / 2) * 1000), id: "job_x" };

test.for([
  ["the first page", {}, null, "jobs_listed"],
  ["a page from the middle", {}, MIDDLE, "jobs_listed"],
  ["what was created before a time", { createdBefore: MIDDLE.createdAt }, null, "jobs_listed"],
  ["a rare status", { status: "failed" }, null, "jobs_listed_by_status"],
  ["a rare field of the metadata", { metadata: { take: "7" } }, null, "jobs_metadata"],
  ["a field that every job has", { metadata: { env: "live" } }, null, "jobs_listed"],
] as const)("%s reads one index and hardly a row too many", async ([, filter, after, index]) => {
  const { indexes, kinds, passedOver } = await planOf(filter, after);
  expect(indexes).toEqual([index]);
  expect(kinds).not.toContain("Seq Scan");
  expect(passedOver).toBeLessThan(50);
});

test("tombstones are passed over, and the last page says so", async () => {
  const { jobs, hasMore } = await page({ status: "failed" }, 5);
  expect(jobs).toHaveLength(5);
  expect(hasMore).toBe(true);
  expect((await page({ status: "failed" }, 10)).hasMore).toBe(false);
  expect((await page({}, 100)).jobs.every(({ deletedAt }) => deletedAt === null)).toBe(true);
});

test("jobs of one moment are told apart by their ids, and none is skipped", async () => {
  const at = new Date("2026-01-01T00:00:00.123Z");
  const ids = Array.from({ length: 5 }, () => newId("job"))
    .toSorted()
    .toReversed();
  for (const id of ids) await rooms.submit({ id, metadata: { moment: "one" } });
  await rooms.owner`update jobs set created_at = ${at.toISOString()} where id in ${rooms.owner(ids)}`;
  const filter = { ...ALL, metadata: { moment: "one" } };
  const seen: string[] = [];
  let after: { createdAt: Date; id: string } | null = null;
  for (;;) {
    const { jobs, hasMore } = await listJobs(rooms.api, rooms.accountId, filter, { after, limit: 2 });
    seen.push(...jobs.map(({ id }) => id));
    after = jobs.at(-1) ?? null;
    if (!hasMore) break;
  }
  expect(seen).toEqual(ids);
});

test("outcomes of no jobs are no query", async () => {
  expect(await listOutcomesOf(rooms.api, [])).toEqual(new Map());
});
