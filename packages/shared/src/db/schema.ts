import { sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import {
  bigint,
  boolean,
  date,
  doublePrecision,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
} from "drizzle-orm/pg-core";
import type { SigningAlgorithm } from "../crypto/signing-keys.ts";
import type { JobErrorCode } from "../domain/errors.ts";
import type { EventType } from "../domain/events.ts";
import type { JobStatus } from "../domain/job-status.ts";
import type { TierThresholds } from "../domain/mood-calibration.ts";
import type { Role } from "../domain/scopes.ts";
import type { InputInfo } from "../domain/results.ts";
import type { TaskName } from "../domain/tasks.ts";
import type { AuditActorKind, AuditOutcome } from "./audit.ts";

/** The tables as drizzle sees them. migrations/ is the truth; schema.test.ts holds the two together. */

// Columns come as functions: the Worker builds a table when it is first asked for (api/src/edge/without/tables-at-once.ts).
// Milliseconds, because a Date has no more: a cursor made of a truncated time would skip rows.
const time = (name: string) => timestamp(name, { precision: 3, withTimezone: true, mode: "date" });
const bytes = (name: string) => bigint(name, { mode: "number" });

export const accounts = pgTable("accounts", () => ({
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  webhookSecretSealed: text("webhook_secret_sealed").notNull(),
  maxRunningJobs: integer("max_running_jobs"),
  createdAt: time("created_at").notNull().defaultNow(),
  maxQueuedJobs: bytes("max_queued_jobs").notNull().default(100_000),
  maxUploadBytesPerMonth: bytes("max_upload_bytes_per_month"),
  maxAudioSecondsPerMonth: bytes("max_audio_seconds_per_month"),
  allowedModels: text("allowed_models").array(),
  deletedAt: time("deleted_at"),
  isOperator: boolean("is_operator").notNull().default(false),
  previousWebhookSecretSealed: text("previous_webhook_secret_sealed"),
  previousWebhookSecretUntil: time("previous_webhook_secret_until"),
}));

const accountId = () =>
  text("account_id")
    .notNull()
    .references((): AnyPgColumn => accounts.id);

export const apiKeys = pgTable("api_keys", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  name: text("name").notNull(),
  prefix: text("prefix").notNull(),
  secretHash: text("secret_hash").notNull(),
  scopes: text("scopes").array().notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  expiresAt: time("expires_at"),
  revokedAt: time("revoked_at"),
  lastUsedAt: time("last_used_at"),
  ipAllowList: text("ip_allow_list").array().notNull().default([]),
  requestsPerMinute: integer("requests_per_minute"),
  createdBy: text("created_by"),
  rotatedFrom: text("rotated_from"),
  madeFor: text("made_for"),
}));

export const signingKeys = pgTable("signing_keys", () => ({
  kid: text("kid").primaryKey(),
  algorithm: text("algorithm").$type<SigningAlgorithm>().notNull(),
  publicJwk: text("public_jwk").notNull(),
  privateJwkSealed: text("private_jwk_sealed").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  signsFrom: time("signs_from").notNull(),
  revokedAt: time("revoked_at"),
}));

export const uploads = pgTable("uploads", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  status: text("status").$type<"open" | "complete">().notNull().default("open"),
  filename: text("filename").notNull(),
  contentType: text("content_type").notNull(),
  sizeBytes: bytes("size_bytes").notNull(),
  sha256: text("sha256"),
  blobKey: text("blob_key").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  putExpiresAt: time("put_expires_at").notNull(),
  completedAt: time("completed_at"),
  deletedAt: time("deleted_at"),
}));

export const blobDeletions = pgTable("blob_deletions", () => ({
  blobKey: text("blob_key").primaryKey(),
  notBefore: time("not_before").notNull().defaultNow(),
}));

export const jobs = pgTable("jobs", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  status: text("status").$type<JobStatus>().notNull().default("queued"),
  priority: smallint("priority").notNull().default(0),
  uploadId: text("upload_id"),
  inputUrl: text("input_url"),
  tasks: text("tasks").array().$type<TaskName[]>().notNull(),
  options: jsonb("options").$type<Record<string, unknown>>().notNull().default({}),
  metadata: jsonb("metadata").$type<Record<string, string>>().notNull().default({}),
  webhookUrl: text("webhook_url"),
  webhookEvents: text("webhook_events").array(),
  webhookSecretSealed: text("webhook_secret_sealed"),
  timeoutSeconds: integer("timeout_seconds").notNull(),
  retentionSeconds: integer("retention_seconds").notNull(),
  queueDeadlineAt: time("queue_deadline_at").notNull(),
  retriedFrom: text("retried_from"),
  requestId: text("request_id").notNull(),
  traceparent: text("traceparent"),
  claimableAt: time("claimable_at").notNull(),
  attempt: integer("attempt").notNull().default(0),
  leaseToken: text("lease_token"),
  leaseUntil: time("lease_until"),
  workerId: text("worker_id"),
  progressStage: text("progress_stage"),
  progressFraction: real("progress_fraction"),
  inputInfo: jsonb("input_info").$type<InputInfo>(),
  warnings: text("warnings").array(),
  audioSeconds: doublePrecision("audio_seconds"),
  computeSeconds: doublePrecision("compute_seconds"),
  device: text("device"),
  modelVersions: jsonb("model_versions").$type<Record<string, string>>(),
  errorCode: text("error_code").$type<JobErrorCode>(),
  errorMessage: text("error_message"),
  errorDetail: jsonb("error_detail").$type<Record<string, unknown>>(),
  createdAt: time("created_at").notNull().defaultNow(),
  startedAt: time("started_at"),
  finishedAt: time("finished_at"),
  expiresAt: time("expires_at"),
  deletedAt: time("deleted_at"),
}));

export const jobAttempts = pgTable(
  "job_attempts",
  () => ({
    jobId: text("job_id").notNull(),
    attempt: integer("attempt").notNull(),
    workerId: text("worker_id").notNull(),
    claimedAt: time("claimed_at").notNull().defaultNow(),
    endedAt: time("ended_at"),
    outcome: text("outcome").$type<AttemptOutcome>(),
    charged: boolean("charged").notNull().default(true),
  }),
  (table) => [primaryKey({ columns: [table.jobId, table.attempt] })],
);

export type AttemptOutcome =
  | "succeeded"
  | "partial"
  | "failed"
  | "canceled"
  | "retried"
  | "handed_back"
  | "database_lost"
  | "lease_expired";

export const idempotencyKeys = pgTable(
  "idempotency_keys",
  () => ({
    accountId: accountId(),
    route: text("route").notNull(),
    key: text("key").notNull(),
    bodySha256: text("body_sha256").notNull(),
    status: smallint("status").notNull(),
    location: text("location"),
    response: text("response").notNull(),
    createdAt: time("created_at").notNull().defaultNow(),
  }),
  (table) => [primaryKey({ columns: [table.accountId, table.route, table.key] })],
);

export const taskResults = pgTable(
  "task_results",
  () => ({
    jobId: text("job_id").notNull(),
    task: text("task").$type<TaskName>().notNull(),
    position: smallint("position").notNull(),
    attempt: integer("attempt").notNull(),
    status: text("status").$type<"succeeded" | "failed">().notNull(),
    errorCode: text("error_code").$type<JobErrorCode>(),
    model: text("model"),
    version: text("version").notNull(),
    device: text("device").notNull(),
    summary: jsonb("summary").$type<Record<string, unknown>>().notNull().default({}),
    body: text("body"),
    blobKey: text("blob_key"),
    bodyBytes: bytes("body_bytes").notNull(),
    bodySha256: text("body_sha256").notNull(),
    keyId: text("key_id"),
    sealedKey: text("sealed_key"),
  }),
  (table) => [primaryKey({ columns: [table.jobId, table.task] })],
);

export const embeddings = pgTable(
  "embeddings",
  () => ({
    accountId: accountId(),
    space: text("space").notNull(),
    jobId: text("job_id").notNull(),
    vec: real("vec").array().notNull(),
  }),
  (table) => [primaryKey({ columns: [table.accountId, table.space, table.jobId] })],
);

export const calibrations = pgTable("calibrations", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  model: text("model").notNull(),
  modelVersion: text("model_version").notNull(),
  results: integer("results").notNull(),
  thresholds: jsonb("thresholds").$type<Record<string, TierThresholds>>().notNull(),
  isActive: boolean("is_active").notNull().default(false),
  createdAt: time("created_at").notNull().defaultNow(),
}));

export const speakers = pgTable("speakers", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  name: text("name").notNull(),
  consent: text("consent").notNull(),
  space: text("space").notNull(),
  embeddingSealed: text("embedding_sealed").notNull(),
  speechSeconds: doublePrecision("speech_seconds").notNull(),
  jobId: text("job_id").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
}));

export const webhookEndpoints = pgTable("webhook_endpoints", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  url: text("url").notNull(),
  description: text("description").notNull().default(""),
  events: text("events").array().$type<EventType[]>(),
  payload: text("payload").$type<"thin" | "full">().notNull().default("thin"),
  metadata: jsonb("metadata").$type<Record<string, string>>().notNull().default({}),
  enabled: boolean("enabled").notNull().default(true),
  disabledReason: text("disabled_reason").$type<DisabledReason>(),
  disabledAt: time("disabled_at"),
  secretSealed: text("secret_sealed"),
  previousSecretSealed: text("previous_secret_sealed"),
  previousSecretUntil: time("previous_secret_until"),
  createdAt: time("created_at").notNull().defaultNow(),
  updatedAt: time("updated_at").notNull().defaultNow(),
  deletedAt: time("deleted_at"),
}));

export type DisabledReason = "gone" | "exhausted";

export const events = pgTable("events", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  type: text("type").$type<EventType>().notNull(),
  jobId: text("job_id"),
  jobSequence: integer("job_sequence"),
  payload: text("payload").notNull(),
  payloadFull: text("payload_full"),
  createdAt: time("created_at").notNull().defaultNow(),
  sequence: bytes("sequence"),
}));

export const eventSequences = pgTable("event_sequences", () => ({
  accountId: text("account_id").primaryKey(),
  last: bytes("last").notNull(),
}));

export const deliveries = pgTable("deliveries", () => ({
  id: text("id").primaryKey(),
  eventId: text("event_id").notNull(),
  accountId: accountId(),
  jobId: text("job_id"),
  endpointId: text("endpoint_id"),
  url: text("url").notNull(),
  lane: text("lane")
    .notNull()
    .generatedAlwaysAs(sql``),
  payload: text("payload").$type<"thin" | "full">().notNull().default("thin"),
  status: text("status").$type<"pending" | "succeeded" | "failed">().notNull().default("pending"),
  attempt: integer("attempt").notNull().default(0),
  nextAttemptAt: time("next_attempt_at").notNull().defaultNow(),
  leaseToken: text("lease_token"),
  createdAt: time("created_at").notNull().defaultNow(),
  finishedAt: time("finished_at"),
}));

export const deliveryAttempts = pgTable(
  "delivery_attempts",
  () => ({
    deliveryId: text("delivery_id").notNull(),
    attempt: integer("attempt").notNull(),
    startedAt: time("started_at").notNull(),
    latencyMs: integer("latency_ms").notNull(),
    statusCode: integer("status_code"),
    error: text("error"),
    responseHead: text("response_head"),
    endpointId: text("endpoint_id"),
  }),
  (table) => [primaryKey({ columns: [table.deliveryId, table.attempt] })],
);

export const auditLog = pgTable("audit_log", () => ({
  id: text("id").primaryKey(),
  accountId: text("account_id"),
  actorKind: text("actor_kind").$type<AuditActorKind>().notNull(),
  actorId: text("actor_id"),
  action: text("action").notNull(),
  target: text("target"),
  outcome: text("outcome").$type<AuditOutcome>().notNull(),
  ip: text("ip"),
  requestId: text("request_id"),
  detail: jsonb("detail").$type<Record<string, unknown>>().notNull().default({}),
  createdAt: time("created_at").notNull().defaultNow(),
  sequence: bytes("sequence"),
}));

export const auditSeals = pgTable("audit_seals", () => ({
  seq: bytes("seq").primaryKey(),
  kind: text("kind").$type<"rows" | "checkpoint">().notNull(),
  firstRow: bytes("first_row"),
  lastRow: bytes("last_row"),
  rowCount: integer("row_count").notNull(),
  removedSeal: bytes("removed_seal"),
  removedThrough: bytes("removed_through"),
  digest: text("digest").notNull(),
  previousHash: text("previous_hash").notNull(),
  createdAt: time("created_at").notNull(),
  keyId: text("key_id").notNull(),
  signature: text("signature").notNull(),
}));

export const rateWindows = pgTable("rate_windows", () => ({
  key: text("key").primaryKey(),
  startMs: bytes("start_ms").notNull(),
  used: integer("used").notNull(),
  usedBefore: integer("used_before").notNull(),
  staleAt: time("stale_at").notNull(),
}));

export const accountCounters = pgTable(
  "account_counters",
  () => ({
    accountId: accountId(),
    shard: smallint("shard").notNull(),
    queuedJobs: bytes("queued_jobs").notNull(),
  }),
  (table) => [primaryKey({ columns: [table.accountId, table.shard] })],
);

export const accountUsage = pgTable(
  "account_usage",
  () => ({
    accountId: accountId(),
    month: date("month").notNull(),
    shard: smallint("shard").notNull(),
    jobs: bytes("jobs").notNull().default(0),
    uploads: bytes("uploads").notNull().default(0),
    uploadBytes: bytes("upload_bytes").notNull().default(0),
    audioSeconds: doublePrecision("audio_seconds").notNull().default(0),
    computeSeconds: doublePrecision("compute_seconds").notNull().default(0),
  }),
  (table) => [primaryKey({ columns: [table.accountId, table.month, table.shard] })],
);
export const users = pgTable("users", () => ({
  id: text("id").primaryKey(),
  email: text("email").notNull(),
  name: text("name"),
  passwordHash: text("password_hash"),
  createdAt: time("created_at").notNull().defaultNow(),
}));

const userId = () =>
  text("user_id")
    .notNull()
    .references((): AnyPgColumn => users.id);

export const identities = pgTable(
  "identities",
  () => ({
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    userId: userId(),
    createdAt: time("created_at").notNull().defaultNow(),
  }),
  (table) => [primaryKey({ columns: [table.issuer, table.subject] })],
);

export const memberships = pgTable(
  "memberships",
  () => ({
    accountId: accountId(),
    userId: userId(),
    role: text("role").$type<Role>().notNull(),
    createdAt: time("created_at").notNull().defaultNow(),
  }),
  (table) => [primaryKey({ columns: [table.accountId, table.userId] })],
);

export const invitations = pgTable("invitations", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  email: text("email"),
  role: text("role").$type<Role>().notNull(),
  tokenHash: text("token_hash").notNull(),
  createdBy: text("created_by").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  expiresAt: time("expires_at").notNull(),
  endedAt: time("ended_at"),
}));

export const sessions = pgTable("sessions", () => ({
  id: text("id").primaryKey(),
  accountId: accountId(),
  userId: userId(),
  kind: text("kind").$type<"browser" | "device">().notNull(),
  clientName: text("client_name"),
  ip: text("ip"),
  secretHash: text("secret_hash").notNull(),
  previousHash: text("previous_hash"),
  previousUntil: time("previous_until"),
  rotatedAt: time("rotated_at").notNull().defaultNow(),
  createdAt: time("created_at").notNull().defaultNow(),
  lastUsedAt: time("last_used_at").notNull().defaultNow(),
  idleSeconds: integer("idle_seconds").notNull(),
  expiresAt: time("expires_at").notNull(),
  revokedAt: time("revoked_at"),
}));

export const deviceLogins = pgTable("device_logins", () => ({
  deviceHash: text("device_hash").primaryKey(),
  userCode: text("user_code").notNull(),
  clientName: text("client_name").notNull(),
  ip: text("ip"),
  status: text("status").$type<"pending" | "approved" | "denied" | "used">().notNull().default("pending"),
  accountId: text("account_id"),
  userId: text("user_id"),
  polledAt: time("polled_at"),
  intervalSeconds: integer("interval_seconds").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  expiresAt: time("expires_at").notNull(),
}));

export const signInDelays = pgTable("sign_in_delays", () => ({
  source: text("source").primaryKey(),
  failures: integer("failures").notNull(),
  failedAt: time("failed_at").notNull(),
  notBefore: time("not_before").notNull(),
}));

export const scrubOrders = pgTable("scrub_orders", () => ({ jobId: text("job_id").primaryKey() }));

export const boxEnrolments = pgTable("box_enrolments", () => ({
  codeHash: text("code_hash").primaryKey(),
  name: text("name").notNull(),
  accountId: text("account_id").notNull(),
  createdBy: text("created_by").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  expiresAt: time("expires_at").notNull(),
  usedAt: time("used_at"),
}));

export const boxes = pgTable("boxes", () => ({
  id: text("id").primaryKey(),
  accountId: text("account_id").notNull(),
  name: text("name").notNull(),
  algorithm: text("algorithm").$type<SigningAlgorithm>().notNull(),
  publicJwk: text("public_jwk").notNull(),
  createdAt: time("created_at").notNull().defaultNow(),
  lastSeenAt: time("last_seen_at"),
  revokedAt: time("revoked_at"),
}));

export const boxAssertions = pgTable(
  "box_assertions",
  () => ({
    boxId: text("box_id")
      .notNull()
      .references(() => boxes.id),
    jti: text("jti").notNull(),
    usedAt: time("used_at").notNull().defaultNow(),
  }),
  (table) => [primaryKey({ columns: [table.boxId, table.jti] })],
);
