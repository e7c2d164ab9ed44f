// Made from packages/api/openapi.json by packages/api/src/openapi.main.ts. Do not edit.

export type ApiKey = {
  id: string;
  name: string;
  /** How the key begins, to tell keys apart. */
  prefix: string;
  status: "live" | "expired" | "revoked";
  scopes: (string)[];
  /** Empty: it may be used from anywhere. */
  ip_allow_list: (string)[];
  requests_per_minute: number | null;
  created_at: string;
  /** Kind and id of the credential that asked for it. */
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  /** To the minute. */
  last_used_at: string | null;
  /** The key that this one replaces. */
  rotated_from: string | null;
};

export type ApiKeyList = {
  data: (ApiKey)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type ApiKeyRequest = {
  name: string;
  /** What it may do, never more than the credential that asks. */
  scopes: ("*" | "jobs:read" | "jobs:write" | "uploads:write" | "webhooks:read" | "webhooks:write" | "events:read" | "keys:read" | "keys:write" | "members:read" | "members:write" | "audit:read" | "account:read" | "account:write")[];
  /** In the future, at most ten years away. Without it, or null: never. */
  expires_at?: string | null | undefined;
  ip_allow_list?: (string)[] | undefined;
  requests_per_minute?: number | null | undefined;
};

export type ApiKeyRotation = {
  /** How long the old key lives on, so that clients can be moved. 0: it ends at once. */
  grace_seconds?: number | undefined;
  /** Of the new key. Without it, it lives as long as the old one was made for. */
  expires_at?: string | null | undefined;
};

export type AuditEntry = {
  id: string;
  created_at: string;
  actor: {
    kind: "api_key" | "session" | "token" | "oidc" | "operator" | "system" | "anonymous";
    id: string | null;
  };
  action: string;
  target: string | null;
  outcome: "success" | "denied" | "failure";
  ip: string | null;
  request_id: string | null;
  detail: { [key: string]: unknown };
  /** Its place in the sealed log; null until it is sealed. */
  sequence: number | null;
};

export type AuditList = {
  data: (AuditEntry)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type CompletedUpload = {
  id: string;
  status: "complete";
  size: number;
};

export type Job = {
  id: string;
  status: "queued" | "running" | "canceling" | "succeeded" | "partial" | "failed" | "canceled" | "expired";
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  expires_at: string | null;
  attempt: number;
  retried_from: string | null;
  input: {
    duration_seconds: number;
    codec: string;
    channels: number;
    sample_rate: number;
    sha256: string;
    tags: { [key: string]: string };
    truncated?: true | undefined;
    declared_seconds?: number | undefined;
  } | null;
  progress: {
    stage: string;
    fraction: number;
  } | null;
  tasks: ({
    task: string;
    status: "queued" | "running" | "canceling" | "succeeded" | "partial" | "failed" | "canceled" | "expired";
    model: string | null;
    version: string | null;
    error: {
      code: "input_unreachable" | "input_forbidden" | "input_too_large" | "input_too_long" | "input_too_short" | "unsupported_media" | "decode_failed" | "no_audio" | "model_unavailable" | "worker_lost" | "timeout" | "queue_deadline_exceeded" | "canceled" | "input_mismatch" | "tasks_failed" | "internal";
      message: string;
    } | null;
  })[];
  usage: {
    audio_seconds: number | null;
    queue_seconds: number | null;
    compute_seconds: number | null;
    device: string | null;
  };
  error: {
    code: "input_unreachable" | "input_forbidden" | "input_too_large" | "input_too_long" | "input_too_short" | "unsupported_media" | "decode_failed" | "no_audio" | "model_unavailable" | "worker_lost" | "timeout" | "queue_deadline_exceeded" | "canceled" | "input_mismatch" | "tasks_failed" | "internal";
    message: string;
    detail: { [key: string]: unknown };
  } | null;
  metadata: { [key: string]: string };
  webhook: {
    url: string;
    events: (string)[] | null;
  } | null;
  links: {
    self: string;
    result: string;
    cancel: string;
  };
};

export type JobFormRequest = {
  tasks: ("audio.features" | "speech.segments" | "music.tags" | "music.mood" | "music.embedding")[];
  options?: {
    "audio.features"?: {
      silence_threshold_dbfs?: number | undefined;
      silence_min_seconds?: number | undefined;
    } | undefined;
    "speech.segments"?: {
      threshold?: number | undefined;
      threshold_off?: number | undefined;
      min_speech_seconds?: number | undefined;
      min_silence_seconds?: number | undefined;
      padding_seconds?: number | undefined;
      probabilities?: boolean | undefined;
    } | undefined;
    "music.tags"?: {
    } | undefined;
    "music.mood"?: {
    } | undefined;
    "music.embedding"?: {
    } | undefined;
  } | undefined;
  webhook?: {
    url: string;
    secret?: string | undefined;
    events?: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired")[] | undefined;
  } | undefined;
  metadata?: { [key: string]: string } | undefined;
  /** Seconds that the result is kept after the end. */
  retention?: number | undefined;
  timeout_seconds?: number | undefined;
  queue_deadline_seconds?: number | undefined;
  priority?: "low" | "normal" | "high" | undefined;
};

export type JobList = {
  data: (Job)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type JobRequest = {
  input: {
    upload_id?: string | undefined;
    url?: string | undefined;
  };
  tasks: ("audio.features" | "speech.segments" | "music.tags" | "music.mood" | "music.embedding")[];
  options?: {
    "audio.features"?: {
      silence_threshold_dbfs?: number | undefined;
      silence_min_seconds?: number | undefined;
    } | undefined;
    "speech.segments"?: {
      threshold?: number | undefined;
      threshold_off?: number | undefined;
      min_speech_seconds?: number | undefined;
      min_silence_seconds?: number | undefined;
      padding_seconds?: number | undefined;
      probabilities?: boolean | undefined;
    } | undefined;
    "music.tags"?: {
    } | undefined;
    "music.mood"?: {
    } | undefined;
    "music.embedding"?: {
    } | undefined;
  } | undefined;
  webhook?: {
    url: string;
    secret?: string | undefined;
    events?: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired")[] | undefined;
  } | undefined;
  metadata?: { [key: string]: string } | undefined;
  /** Seconds that the result is kept after the end. */
  retention?: number | undefined;
  timeout_seconds?: number | undefined;
  queue_deadline_seconds?: number | undefined;
  priority?: "low" | "normal" | "high" | undefined;
};

export type JobResult = {
  job_id: string;
  input: {
    duration_seconds: number;
    codec: string;
    channels: number;
    sample_rate: number;
    sha256: string;
    tags: { [key: string]: string };
    truncated?: true | undefined;
    declared_seconds?: number | undefined;
  } | null;
  warnings?: (string)[] | undefined;
  results: (TaskResult)[];
};

export type Me = {
  account_id: string;
  actor: {
    kind: "api_key" | "session" | "token" | "oidc";
    id: string;
  };
  /** Of an API key, the same as the actor's id. */
  key_id?: string | undefined;
  /** Of a person. */
  role?: "owner" | "admin" | "member" | "viewer" | undefined;
  scopes: (string)[];
};

export type Model = {
  id: string;
  version: string;
  tasks: (string)[];
  /** The classes that it scores, in the order of its output. */
  labels: (string)[];
  licence: string;
  licence_url: string;
  licence_note: string | null;
  /** Somebody must accept the licence before the model is pulled. */
  requires_acceptance: boolean;
  /** Of the graph, the first of the files. */
  sha256: string;
  files: ({
    name: string;
    sha256: string;
    bytes: number;
  })[];
};

export type ModelList = {
  data: (Model)[];
};

export type NewApiKey = {
  id: string;
  name: string;
  /** How the key begins, to tell keys apart. */
  prefix: string;
  status: "live" | "expired" | "revoked";
  scopes: (string)[];
  /** Empty: it may be used from anywhere. */
  ip_allow_list: (string)[];
  requests_per_minute: number | null;
  created_at: string;
  /** Kind and id of the credential that asked for it. */
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  /** To the minute. */
  last_used_at: string | null;
  /** The key that this one replaces. */
  rotated_from: string | null;
  /** The secret. It is shown this once. */
  key: string;
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: "validation_failed" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "idempotency_in_flight" | "conflict" | "gone" | "body_too_large" | "unsupported_content_type" | "idempotency_key_reused" | "rate_limited" | "quota_exceeded" | "internal";
  request_id: string;
  errors?: ({
    pointer: string;
    code: string;
    detail: string;
  })[] | undefined;
};

export type TaskResult = {
  task: string;
  status: "succeeded" | "failed";
  [key: string]: unknown;
};

export type Upload = {
  id: string;
  put_url?: string | undefined;
  /** Sent with the PUT as they are: they are signed. */
  headers: { [key: string]: string };
  /** Named again when the parts are completed. */
  multipart_id?: string | undefined;
  /** Of a large file: PUT each part to its own URL. */
  parts?: ({
    /** From 1. */
    number: number;
    /** Bytes that this part has. */
    size: number;
    put_url: string;
  })[] | undefined;
  expires_at: string;
};

export type UploadRequest = {
  filename: string;
  content_type: string;
  size: number;
  sha256?: string | undefined;
};

export type UploadedParts = {
  multipart_id?: string | undefined;
  parts?: ({
    number: number;
    etag: string;
  })[] | undefined;
};

export interface Queries {
  "GET /v1/jobs": {
    status?: "queued" | "running" | "canceling" | "succeeded" | "partial" | "failed" | "canceled" | "expired" | undefined;
    /** Jobs that were asked for this task. */
    task?: "audio.features" | "speech.segments" | "music.tags" | "music.mood" | "music.embedding" | undefined;
    /** Later than this, an ISO 8601 time. */
    created_after?: string | undefined;
    /** Earlier than this. */
    created_before?: string | undefined;
    /** Fields of the metadata with their values: `metadata[album]=Kid%20A`. */
    metadata?: { [key: string]: string } | undefined;
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/jobs/{id}": {
    /** Seconds to wait for the end of the job, at most 30. */
    wait?: string | undefined;
  };
  "GET /v1/audit": {
    /** `job.delete`; or a noun with its dot, `job.`, for all that begins with it. */
    action?: string | undefined;
    actor_kind?: "api_key" | "session" | "token" | "oidc" | "operator" | "system" | "anonymous" | undefined;
    actor_id?: string | undefined;
    outcome?: "success" | "denied" | "failure" | undefined;
    /** Later than this, an ISO 8601 time. */
    created_after?: string | undefined;
    /** Earlier than this. */
    created_before?: string | undefined;
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/api-keys": {
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
}
