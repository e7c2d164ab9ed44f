import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dueDeliveries } from "./deliveries.ts";
import { bellCandidate, tableCandidates } from "./jobs/claim-job.ts";
import { unnumberedEvents } from "./number-events.ts";
import { queueFigures } from "./queue-figures.ts";
import { SWEEP_CANDIDATES } from "./sweep.ts";
import type { Endpoint } from "./webhooks/endpoints.ts";
import { missedEvents } from "./webhooks/redeliver.ts";

const ROWS = 20_000;

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 1 });
  await fill();
});
afterAll(() => rooms[Symbol.asyncDispose]());

/**
 * A system with a past and a full queue: of ten jobs five are queued, one runs, four are done, of which two are
 * tombstones. Every delivery but one in twenty is done, and so on.
 */
async function fill(): Promise<void> {
  const { owner, accountId } = rooms;
  await owner`
    insert into accounts (id, name, webhook_secret_sealed)
    select 'acc_' || n, 'test', '' from generate_series(1, 2000) n`;
  await owner`
    insert into uploads (id, account_id, filename, content_type, size_bytes, blob_key, created_at, put_expires_at, deleted_at)
    select 'upl_' || n, ${accountId}, 'a.wav', 'audio/wav', 10, 'uploads/upl_' || n,
      now() - n * interval '100 s', now(), case when n > 1000 then now() end
    from generate_series(1, ${ROWS}::int) n`;
  await owner`
    insert into jobs (id, account_id, status, priority, upload_id, tasks, timeout_seconds, retention_seconds, request_id,
      created_at, queue_deadline_at, claimable_at, attempt, lease_token, lease_until, finished_at, expires_at, deleted_at)
    select 'job_' || n, case when n % 4 = 0 then 'acc_' || n % 400 + 1 else ${accountId} end, status, n % 3, 'upl_' || n, '{audio.features}', 60, 60, 'req',
      now() - n * interval '1 s', now() + n * interval '1 s', now() - (n - 10000) * interval '1 s',
      (status <> 'queued')::int, case when status in ('running', 'canceling') then 't' end,
      case when status in ('running', 'canceling') then now() + (n - 100) * interval '1 s' end,
      case when done then now() - n * interval '1 s' end,
      case when done then now() + (n - 100) * interval '1 s' end,
      case when done and n % 10 < 8 then now() end
    from (select n, n % 10 >= 6 as done, case when n % 10 < 5 then 'queued' when n % 100 = 5 then 'canceling'
      when n % 10 = 5 then 'running' else 'succeeded' end as status from generate_series(1, ${ROWS}::int) n) as made`;
  await owner`insert into job_attempts (job_id, attempt, worker_id) select id, 1, 'w' from jobs where attempt = 1`;
  await owner`
    insert into events (id, account_id, type, job_id, job_sequence, payload, sequence)
    select 'evt_' || n, ${accountId}, 'job.succeeded', 'job_' || n, 1, '{}', n from generate_series(1, ${ROWS}::int) n`;
  await owner`
    insert into deliveries (id, event_id, account_id, url, status, next_attempt_at)
    select 'dlv_' || n, 'evt_' || n, ${accountId}, 'https://example.com',
      case when n % 20 = 0 then 'pending' else 'succeeded' end, now() + (n - 1000) * interval '1 s'
    from generate_series(1, ${ROWS}::int) n`;
  await owner`analyze`;
}

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** The nodes of a query's plan: made for its parameters, or the generic one that a prepared statement ends up with. */
async function planOf(query: SQL, mode: "custom" | "generic"): Promise<Plan[]> {
  const { sql, params } = new PgDialect().sqlToQuery(query);
  const values = params.length === 0 ? "" : `(${params.map((param) => `'${param}'`).join(", ")})`;
  const { owner } = rooms;
  await owner
    .unsafe(`deallocate all; set plan_cache_mode = force_${mode}_plan; prepare asked as ${sql}`)
    .simple();
  const explain = `explain (format json) execute asked ${values}`;
  const [row] = await owner.unsafe<{ "QUERY PLAN": [{ Plan: Plan }] }[]>(explain).simple();
  return nodesOf(row?.["QUERY PLAN"][0].Plan ?? { "Node Type": "nothing" });
}

const ENDPOINT = { id: "whe_1", accountId: "acc_1", events: null, createdAt: new Date(0) } as Endpoint;
const LANES = new Map([["acc_1 7", 4]]);
const DUE = { limit: 32, leaseSeconds: 60, lanes: LANES, strangers: 16 };
const MISSED = missedEvents(ENDPOINT, { since: new Date(0), until: new Date() }, 100);

const QUERIES: readonly (readonly [string, SQL, readonly string[]])[] = [
  ["the claim of a bell", bellCandidate("job_10"), ["jobs_pkey"]],
  [
    "the claim from the table",
    tableCandidates(4, { accountJobs: 4 }),
    ["jobs_lease", "jobs_waiting", "jobs_at_work"],
  ],
  ["the figures of the queue", queueFigures, ["jobs_deadline", "jobs_lease", "deliveries_due"]],
  ["due deliveries", sql`with recursive ${dueDeliveries(DUE)} select id from due`, ["deliveries_lane"]],
  ["what an endpoint missed", MISSED, ["events_list", "deliveries_event"]],
  ["events without a number", unnumberedEvents(500), ["events_unnumbered"]],
  ["the sweep's pastDeadline", SWEEP_CANDIDATES.pastDeadline, ["jobs_deadline"]],
  ["the sweep's cancelingLost", SWEEP_CANDIDATES.cancelingLost, ["jobs_lease"]],
  ["the sweep's exhausted", SWEEP_CANDIDATES.exhausted, ["jobs_lease"]],
  ["the sweep's pastRetention", SWEEP_CANDIDATES.pastRetention, ["jobs_retention"]],
  ["the sweep's unneededUploads", SWEEP_CANDIDATES.unneededUploads, ["uploads_kept", "jobs_upload"]],
];

test("every query of the sweep is looked at here", () => {
  const looked = QUERIES.map(([, query]) => query);
  for (const [name, query] of Object.entries(SWEEP_CANDIDATES)) expect(looked, name).toContain(query);
});

test.for(
  QUERIES.flatMap(([name, query, indexes]) => [
    [name, "custom", query, indexes] as const,
    [name, "generic", query, indexes] as const,
  ]),
)("%s, in its %s plan, reads its indexes and no whole table", async ([, mode, query, indexes]) => {
  const nodes = await planOf(query, mode);
  const used = nodes.flatMap((node) => node["Index Name"] ?? []);
  for (const index of indexes) expect(used).toContain(index);
  expect(nodes.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
});
