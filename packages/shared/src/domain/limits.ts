/** The caps of the product. Each is a default that a deployment may lower. */
export const LIMITS = {
  audioSeconds: 14_400,
  inputBytes: 2 * 1024 ** 3,
  metadataKeys: 16,
  metadataValueBytes: 512,
  tasksPerJob: 32,
  queuedJobsPerAccount: 100_000,
  inputKeptSeconds: 24 * 3600,
  resultKeptSeconds: 30 * 24 * 3600,
  idempotencyKeptSeconds: 48 * 3600,
  uploadOpenSeconds: 3600,
  inlineResultBytes: 256_000,
  webhookBodyBytes: 20_000,
  webhookEndpoints: 100,
  /** Whom an account can tell by their voices. */
  speakers: 500,
  secretGraceSeconds: 7 * 24 * 3600,
  recoveredAtOnce: 10_000,
  jsonBodyBytes: 1024 ** 2,
  formFileBytes: 25 * 1024 ** 2,
  waitSeconds: 30,
  /** Of one stream of events: who still follows then comes back, and shows its credential anew. */
  eventStreamSeconds: 900,
  jobTimeoutSeconds: 6 * 3600,
  queueDeadlineSeconds: 7 * 24 * 3600,
  chargedAttempts: 3,
  attempts: 20,
} as const;
