import { openDatabase } from "@earshot/shared/db/database";
import type { Database } from "@earshot/shared/db/database";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import { claimFromTable } from "@earshot/shared/db/jobs/claim-job";
import { listJobs } from "@earshot/shared/db/jobs/list-jobs";
import { expireQueuedJobs } from "@earshot/shared/db/sweep";
import type postgres from "postgres";
import { fillDatabase } from "../fill-database.ts";
import type { Figure } from "../figure.ts";
import { openStack } from "../stack.ts";
import { medianOf, rounded } from "../statistics.ts";

const ROWS = { few: 1_000, many: 1_000_000 };
const WARM_UP = 5;
const ROUNDS = 21;
const claim = { workerId: "bench", leaseSeconds: 600, accountJobs: 1_000 };
const anyJob = { status: null, task: null, createdAfter: null, createdBefore: null, metadata: {} };

interface Side {
  db: Database;
  sql: postgres.Sql;
  accountId: string;
  /** Of all deliveries. */
  lane: string;
}

interface Operation {
  /** Not measured. */
  prepare?(side: Side): Promise<unknown>;
  run(side: Side): Promise<unknown>;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  /** As a bell asks for it. */
  claim: {
    async run({ db }) {
      const claimed = await claimFromTable(db, 1, { ...claim, ringing: true });
      if (claimed.length !== 1) throw new Error("no job was claimed");
    },
  },
  table_claim: {
    async run({ db }) {
      const claimed = await claimFromTable(db, 4, claim);
      if (claimed.length !== 4) throw new Error(`${claimed.length} of 4 jobs were claimed`);
    },
  },
  list_page: {
    async run({ db, accountId }) {
      const { jobs } = await listJobs(db, accountId, anyJob, { after: null, limit: 20 });
      const last = jobs.at(-1);
      if (last === undefined) throw new Error("the page is empty");
      const after = { createdAt: last.createdAt, id: last.id };
      await listJobs(db, accountId, anyJob, { after, limit: 20 });
    },
  },
  delivery_pick: {
    async run({ db, lane }) {
      // All go to one receiver, which is known to take them.
      const lanes = new Map([[lane, 8]]);
      const { deliveries } = await claimDeliveries(db, { limit: 8, lanes, strangers: 0, leaseSeconds: 600 });
      if (deliveries.length !== 8) throw new Error(`${deliveries.length} of 8 deliveries were picked`);
    },
  },
  deadline_sweep: {
    // Two that are still queued, whichever the claims have left.
    prepare: ({ sql }) => sql`
      update jobs set queue_deadline_at = now() - interval '1 s'
      where id in (select id from jobs where status = 'queued' limit 2)`,
    async run({ db }) {
      const expired = await expireQueuedJobs(db);
      if (expired !== 2) throw new Error(`${expired} of 2 jobs expired`);
    },
  },
};

/** What the system asks its tables all day, with a million jobs in them against a thousand. */
export const flatness: Figure = {
  name: "queue.flatness",
  async measure(context) {
    await using few = await openStack(context, "flat-few");
    await using many = await openStack(context, "flat-many");
    const rows = context.quick ? { few: ROWS.few, many: 5 * ROWS.few } : ROWS;
    const sides: Side[] = [];
    await using opened = new AsyncDisposableStack();
    for (const [stack, count] of [
      [few, rows.few],
      [many, rows.many],
    ] as const) {
      context.say(`filling ${count} rows`);
      const accountId = await fillDatabase(stack.sql, count);
      const database = openDatabase({ url: stack.ownerUrl, max: 1, name: "bench" });
      opened.defer(() => database.close());
      // A commit that waits for the disk would hide what is compared.
      await database.sql`set synchronous_commit = off`;
      const [delivery] = await database.sql<{ lane: string }[]>`select lane from deliveries limit 1`;
      sides.push({ ...database, accountId, lane: delivery?.lane ?? "" });
    }
    const found: Record<string, { few_ms: number; many_ms: number; ratio: number }> = {};
    for (const [name, operation] of Object.entries(OPERATIONS)) found[name] = await compare(sides, operation);
    const worst = Math.max(...Object.values(found).map(({ ratio }) => ratio));
    return {
      figures: { "queue.flatness": { value: worst, goal: 1.5 } },
      details: { rows: rows.many, rounds: ROUNDS, operations: found },
    };
  },
};

async function compare(sides: readonly Side[], { prepare, run }: Operation) {
  const times: number[][] = sides.map(() => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    // Each goes first as often as the other: what comes first finds colder caches.
    const inTurn = [...sides.entries()];
    for (const [which, side] of round % 2 === 0 ? inTurn : inTurn.toReversed()) {
      await prepare?.(side);
      const start = performance.now();
      await run(side);
      if (round >= WARM_UP) times[which]?.push(performance.now() - start);
    }
  }
  const [few = NaN, many = NaN] = times.map(medianOf);
  return { few_ms: rounded(few), many_ms: rounded(many), ratio: rounded(many / few) };
}
