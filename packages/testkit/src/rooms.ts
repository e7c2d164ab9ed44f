import { newId } from "@earshot/shared/crypto/ids";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import type { Database, OpenDatabase } from "@earshot/shared/db/database";
import { openDatabase } from "@earshot/shared/db/database";
import type { Job } from "@earshot/shared/db/jobs/job";
import type { NewJob } from "@earshot/shared/db/jobs/submit-job";
import { submitJob } from "@earshot/shared/db/jobs/submit-job";
import type postgres from "postgres";
import type { TestDatabase } from "./database.ts";
import { createTestDatabase } from "./database.ts";

/** A database of one test with an account in it, entered by each login of the product: what a role may not do fails. */
export interface TestRooms extends AsyncDisposable {
  urls: TestDatabase["urls"];
  api: Database;
  worker: Database;
  deliver: Database;
  /** The driver of the deliverer's login, for LISTEN. */
  deliverSql: postgres.Sql;
  /** May do everything: to look, and to make rows old. */
  owner: postgres.Sql;
  ownerDb: Database;
  accountId: string;
  /** Of the account. */
  webhookSecret: string;
  sealKeys: SealKeys;
  /** Queues a job and answers it. */
  submit(overrides?: Partial<NewJob>): Promise<Job>;
  /** Only the account stays: a file of tests may share its rooms. */
  empty(): Promise<void>;
}

/** What tests fill, each table before those that it refers to. */
const FILLED = [
  "scrub_orders",
  "delivery_attempts",
  "deliveries",
  "events",
  "event_sequences",
  "webhook_endpoints",
  "embeddings",
  "calibrations",
  "task_results",
  "job_attempts",
  "jobs",
  "uploads",
  "blob_deletions",
  "idempotency_keys",
  "rate_windows",
  "account_counters",
  "account_usage",
];

/** @param connections of each login, at most. */
export async function openTestRooms({ connections = 4 } = {}): Promise<TestRooms> {
  const database = await createTestDatabase();
  const { urls } = database;
  const open = (room: keyof typeof urls) =>
    openDatabase({ url: urls[room], max: connections, name: `test ${room}` });
  const rooms = { owner: open("owner"), api: open("api"), worker: open("worker"), deliver: open("deliver") };
  const sealKeys = parseSealKeys(newSealKey("test"));
  const account = await createAccount(rooms.owner.db, sealKeys, "test");
  return {
    urls,
    api: rooms.api.db,
    worker: rooms.worker.db,
    deliver: rooms.deliver.db,
    deliverSql: rooms.deliver.sql,
    owner: rooms.owner.sql,
    ownerDb: rooms.owner.db,
    accountId: account.id,
    webhookSecret: account.webhookSecret,
    sealKeys,
    submit: (overrides = {}) => submitNewJob(rooms.api.db, newJob(account.id, overrides)),
    empty: async () => {
      // Far quicker than truncate for a few rows.
      const emptied = FILLED.map((table) => `delete from ${table};`).join("");
      // What guards the audit log stops its owner, too; only a superuser may say that he is a replica.
      const unguarded =
        "set session_replication_role = replica; delete from audit_log; delete from audit_seals; reset session_replication_role;";
      await rooms.owner.sql.unsafe(
        `${emptied} delete from accounts where id <> '${account.id}'; ${unguarded}`,
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(rooms).map((room: OpenDatabase) => room.close()));
      await database.drop();
    },
  };
}

export function newJob(accountId: string, overrides: Partial<NewJob> = {}): NewJob {
  return {
    id: newId("job"),
    accountId,
    priority: 0,
    uploadId: null,
    inputUrl: "https://example.com/a.wav",
    tasks: ["audio.features"],
    options: {},
    metadata: {},
    webhookUrl: null,
    webhookEvents: null,
    webhookSecretSealed: null,
    timeoutSeconds: 3_600,
    retentionSeconds: 86_400,
    queueDeadlineSeconds: 3_600,
    retriedFrom: null,
    requestId: "req_test",
    traceparent: null,
    ...overrides,
  };
}

export async function submitNewJob(api: Database, job: NewJob): Promise<Job> {
  const answerFor = () => ({ status: 202, location: null, body: "" });
  const submission = await submitJob(api, { job, idempotency: null, answerFor });
  if (submission.outcome !== "created") throw new Error(`the job was not created: ${submission.outcome}`);
  return submission.job;
}
