import { and, eq, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { AppError } from "../domain/errors.ts";
import type { Database } from "./database.ts";
import { accountCounters, accounts, accountUsage } from "./schema.ts";

/** What an account used in one month, UTC. Audio and compute count when a job ends, uploads when they are announced. */
export interface Usage {
  jobs: number;
  uploads: number;
  uploadBytes: number;
  audioSeconds: number;
  computeSeconds: number;
}

/** What an account may have; null is without an end. */
export interface Quotas {
  queuedJobs: number;
  uploadBytesPerMonth: number | null;
  audioSecondsPerMonth: number | null;
}

const summed = (column: AnyPgColumn) => sql<number>`coalesce(sum(${column}), 0)::float8`;

/** @param month `2026-11` */
export async function readUsage(db: Database, accountId: string, month: string): Promise<Usage> {
  const [usage] = await db
    .select({
      jobs: summed(accountUsage.jobs),
      uploads: summed(accountUsage.uploads),
      uploadBytes: summed(accountUsage.uploadBytes),
      audioSeconds: summed(accountUsage.audioSeconds),
      computeSeconds: summed(accountUsage.computeSeconds),
    })
    .from(accountUsage)
    .where(and(eq(accountUsage.accountId, accountId), eq(accountUsage.month, `${month}-01`)));
  return usage ?? { jobs: 0, uploads: 0, uploadBytes: 0, audioSeconds: 0, computeSeconds: 0 };
}

export async function countQueuedJobs(db: Database, accountId: string): Promise<number> {
  const [counted] = await db
    .select({ queued: summed(accountCounters.queuedJobs) })
    .from(accountCounters)
    .where(eq(accountCounters.accountId, accountId));
  return counted?.queued ?? 0;
}

export async function readQuotas(db: Database, accountId: string): Promise<Quotas> {
  const [quotas] = await db
    .select({
      queuedJobs: accounts.maxQueuedJobs,
      uploadBytesPerMonth: accounts.maxUploadBytesPerMonth,
      audioSecondsPerMonth: accounts.maxAudioSecondsPerMonth,
    })
    .from(accounts)
    .where(eq(accounts.id, accountId));
  if (quotas === undefined) throw new AppError("not_found");
  return quotas;
}

/** What the triggers raise; no class of SQLSTATEs of Postgres begins like this. */
const QUOTA_STATE = "EQ001";

const EXPLAINED: Readonly<Record<string, string>> = {
  queued_jobs: "The account has as many queued jobs as it may.",
  upload_bytes_per_month: "The account has uploaded as much this month as it may.",
  audio_seconds_per_month: "The account has analysed as much audio this month as it may.",
};

/** The name of the quota that `error`, or what caused it, says is used up; else null. */
function exceededQuota(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ("code" in error && error.code === QUOTA_STATE) return error.message;
  return exceededQuota(error.cause);
}

const QUEUE_RETRY_SECONDS = 60;

/** The refusal that a used-up quota is; null for any other error. */
export function quotaRefusal(error: unknown, now: Date): AppError | null {
  const quota = exceededQuota(error);
  if (quota === null) return null;
  const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  const retryAfterSeconds =
    quota === "queued_jobs" ? QUEUE_RETRY_SECONDS : Math.ceil((nextMonth - now.getTime()) / 1000);
  return new AppError("quota_exceeded", {
    message: EXPLAINED[quota] ?? "A quota of the account is used up.",
    detail: { quota, retryAfterSeconds },
    cause: error,
  });
}
