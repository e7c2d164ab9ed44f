import { statSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@earshot/shared/crypto/ids";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { openDatabase } from "@earshot/shared/db/database";
import type { Job } from "@earshot/shared/db/jobs/job";
import { findJob, listTaskResults } from "@earshot/shared/db/jobs/read-job";
import type { StoredResult } from "@earshot/shared/db/jobs/read-job";
import type { NewJob } from "@earshot/shared/db/jobs/submit-job";
import { completeUpload, insertUpload } from "@earshot/shared/db/uploads";
import type { JobStatus } from "@earshot/shared/domain/job-status";
import { isFinal } from "@earshot/shared/domain/job-status";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { startTestQueue } from "@earshot/testkit/queue";
import type { TestQueue } from "@earshot/testkit/queue";
import { newJob, submitNewJob } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";

/** A real Postgres database, a real SQS server and a directory of blobs, with one account in them. */
export interface TestStack extends AsyncDisposable {
  database: Pick<TestDatabase, "urls">;
  queue: TestQueue;
  /** `file:` URL for EARSHOT_BLOBS. */
  blobs: string;
  sealKeys: string;
  accountId: string;
  webhookSecret: string;
  /** As the owner of the tables, for what a test must look at or bend. */
  sql: OpenDatabase["sql"];
  db: OpenDatabase["db"];
  /** Puts the file where a finished upload would be. */
  upload(file: string): Promise<string>;
  /** Inserts a job as the API would, without ringing. */
  submit(job: Partial<NewJob>): Promise<string>;
  /** Inserts and rings. */
  submitAndRing(job: Partial<NewJob>): Promise<string>;
  ring(jobId: string): Promise<void>;
  job(id: string): Promise<Job>;
  /** Awaits one of `statuses`, by default any final one. */
  stateOf(id: string, statuses?: readonly JobStatus[], timeoutMs?: number): Promise<Job>;
  results(id: string): Promise<StoredResult[]>;
  /** What time does to the lease of a worker that is gone. */
  expireLease(id: string): Promise<void>;
}

export interface TestStackParts {
  database?: Pick<TestDatabase, "urls"> & Partial<AsyncDisposable>;
}

export async function startTestStack(parts: TestStackParts = {}): Promise<TestStack> {
  const database = parts.database ?? (await createTestDatabase());
  const queue = await startTestQueue();
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-blobs-"));
  const sealKeys = newSealKey("test");
  const { db, sql, close } = openDatabase({ url: database.urls.owner, name: "test", max: 4 });
  const account = await createAccount(db, parseSealKeys(sealKeys), "test");
  const bell = new JobQueue(queue);

  async function upload(file: string): Promise<string> {
    const id = newId("upload");
    const { blobKey } = await insertUpload(db, {
      id,
      accountId: account.id,
      filename: "audio",
      contentType: "audio/wav",
      sizeBytes: statSync(file).size,
      sha256: null,
      openSeconds: 60,
    });
    await mkdir(join(directory, "uploads"), { recursive: true });
    await copyFile(file, join(directory, blobKey));
    await completeUpload(db, account.id, id);
    return id;
  }

  const submit = async (job: Partial<NewJob>) =>
    (await submitNewJob(db, newJob(account.id, inputOf(job)))).id;

  const ring = (jobId: string) => bell.ring({ v: 1, jobId, traceparent: null }, account.id);

  async function job(id: string): Promise<Job> {
    const found = await findJob(db, account.id, id);
    if (found === null) throw new Error(`no job ${id}`);
    return found;
  }

  return {
    database,
    queue,
    blobs: `file://${directory}`,
    sealKeys,
    accountId: account.id,
    webhookSecret: account.webhookSecret,
    sql,
    db,
    upload,
    submit,
    async submitAndRing(input) {
      const id = await submit(input);
      await ring(id);
      return id;
    },
    ring,
    job,
    stateOf: (id, statuses, timeoutMs = 30_000) =>
      until(
        async () => {
          const found = await job(id);
          const isThere = statuses ? statuses.includes(found.status) : isFinal(found.status);
          return isThere ? found : null;
        },
        { timeoutMs, describe: `job ${id} to be ${statuses?.join(" or ") ?? "final"}` },
      ),
    results: (id) => listTaskResults(db, id),
    async expireLease(id) {
      await sql`update jobs set lease_until = now() - interval '1 second' where id = ${id} and status = 'running'`;
    },
    async [Symbol.asyncDispose]() {
      bell.close();
      await close();
      await queue.stop();
      await database[Symbol.asyncDispose]?.();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A job has one input: an upload instead of the URL that a new job of the testkit has. */
function inputOf(job: Partial<NewJob>): Partial<NewJob> {
  return job.uploadId ? { inputUrl: null, ...job } : job;
}
