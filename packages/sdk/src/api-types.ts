// Made from packages/api/public/openapi.json by packages/api/src/openapi.main.ts. Do not edit.

export type AcceptRequest = {
  /** Of the invitation, or of the file `first-owner` in EARSHOT_HOME. */
  token: string;
  /** Of the first owner, whom nobody has invited by an address. */
  email?: string | undefined;
  name?: string | undefined;
  password: string;
};

export type AccessToken = {
  access_token: string;
  token_type: "Bearer";
  expires_in: number;
  scope: string;
};

export type AccountWebhookSecret = {
  /** It is shown this once. */
  secret: string;
  /** Until then the secret before signs too. */
  previous_secret_until: string | null;
};

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
  scopes: ("*" | "jobs:read" | "jobs:write" | "uploads:write" | "webhooks:read" | "webhooks:write" | "events:read" | "speakers:read" | "speakers:write" | "keys:read" | "keys:write" | "members:read" | "members:write" | "audit:read" | "boxes:read" | "boxes:write" | "account:read" | "account:write")[];
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
    kind: "api_key" | "session" | "token" | "oidc" | "box" | "operator" | "system" | "anonymous";
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

export type BegunSession = {
  session_id: string;
  account_id: string;
  expires_at: string;
};

export type Box = {
  id: string;
  name: string;
  status: "live" | "revoked";
  algorithm: "EdDSA" | "ES256";
  created_at: string;
  /** When it was last given credentials. */
  last_seen_at: string | null;
  revoked_at: string | null;
};

export type BoxEnrolment = {
  /** Good once. It is shown this once. */
  code: string;
  name: string;
  expires_at: string;
};

export type BoxEnrolmentRequest = {
  /** What you call the machine. */
  name: string;
};

export type BoxList = {
  data: (Box)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type BoxPublicJwk = {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
} | {
  kty: "EC";
  crv: "P-256";
  x: string;
  y: string;
};

export type BoxRequest = {
  code: string;
  public_key: BoxPublicJwk;
};

export type BoxToken = {
  box_id: string;
  /** Seconds until all of it is worth nothing. */
  expires_in: number;
  database: {
    /** With the machine's own login, without its password. */
    url: string;
    password: string;
  };
  queue: {
    url: string;
    /** Of an SQS-compatible server; null for AWS. */
    endpoint: string | null;
  };
  /** The bucket; null where it is a directory, which the machine knows itself. */
  blobs: string | null;
  /** For the queue, and for the bucket where that is on AWS. Null: the queue wants none. */
  aws: {
    access_key_id: string;
    secret_access_key: string;
    session_token: string | null;
  } | null;
  /** Seals results of speech, and opens nothing. */
  result_seal_key: string | null;
};

export type BoxTokenRequest = {
  /** A JWT by the machine's own key, good once and for 60 s (RFC 7523). */
  assertion: string;
};

export type Calibration = {
  /** Results that were made with it say it. */
  id: string;
  model: string;
  /** Of another version it changes nothing. */
  model_version: string;
  /** How many it was computed from. */
  results: number;
  thresholds: { [key: string]: {
    strict: number;
    regular: number;
    loose: number;
  } };
  active: boolean;
  created_at: string;
};

export type CalibrationChange = {
  active: boolean;
};

export type CalibrationList = {
  data: (Calibration)[];
};

export type CompletedUpload = {
  id: string;
  status: "complete";
  size: number;
};

export type DeletedAccount = {
  id: string;
  status: "deleting";
};

export type Delivery = {
  id: string;
  /** Null: the job's own webhook. */
  endpoint_id: string | null;
  url: string;
  status: "pending" | "succeeded" | "failed";
  next_attempt_at: string | null;
  created_at: string;
  finished_at: string | null;
  attempts: (DeliveryAttempt)[];
};

export type DeliveryAttempt = {
  attempt: number;
  started_at: string;
  latency_ms: number;
  status_code: number | null;
  /** The class of the fault where no answer came: dns, connect, tls, timeout, reset, forbidden … */
  error: string | null;
  /** How the body of the answer began. */
  response_head: string | null;
};

export type DeliveryList = {
  data: (Delivery)[];
};

export type DeviceError = {
  error: "authorization_pending" | "slow_down" | "access_denied" | "expired_token";
  error_description: string;
};

export type DeviceLogin = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
};

export type DeviceRequest = {
  /** Shown to the person who is asked, beside the address that the request came from. */
  client_name?: string | undefined;
};

export type DeviceToken = {
  /** Of a session: shown as a bearer. `Earshot-Session` on an answer replaces it. */
  access_token: string;
  token_type: "Bearer";
  expires_in: number;
  account_id: string;
};

export type DeviceTokenRequest = {
  device_code: string;
  grant_type?: "urn:ietf:params:oauth:grant-type:device_code" | undefined;
};

export type EnrolledBox = {
  id: string;
  name: string;
  /** `aud` of the assertions by which the machine proves who it is. */
  audience: string;
};

export type Event = {
  /** The `webhook-id` of every delivery of this event. */
  id: string;
  type: "job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test";
  /** When it happened. */
  timestamp: string;
  created_at: string;
  /** The order of the account's events; given within seconds, null until then. The order of one job's events is `data.sequence`. */
  sequence: number | null;
  job_id: string | null;
  data: { [key: string]: unknown };
  links: {
    self: string;
    deliveries: string;
  };
};

export type EventList = {
  data: (Event)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type EventListenAnswer = {
  data: ({
    id: string;
    type: "job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test";
    sequence: number;
    /** The very bytes that are signed: pass them on as they are. */
    body: string;
    /** `webhook-id`, `webhook-timestamp` and `webhook-signature`, as a delivery has them. */
    headers: { [key: string]: string };
  })[];
  next_after: number;
};

export type EventListenRequest = {
  /** The caller's own, made for this session: what is answered is signed with it, so that whoever gets it passed on can verify it. It is not kept. */
  secret: string;
  /** `next_after` of the answer before. Without it: from now on. */
  after?: number | undefined;
  /** Only these. */
  types?: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test")[] | undefined;
  /** Seconds to wait for an event, where there is none yet. */
  wait?: number | undefined;
};

export type ExportLine = {
  type: string;
  [key: string]: unknown;
};

export type Invitation = {
  id: string;
  email: string;
  role: "owner" | "admin" | "member" | "viewer";
  expires_at: string;
};

export type InvitationRequest = {
  email: string;
  role: "owner" | "admin" | "member" | "viewer";
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
    /** What was sent last; the fields below tell of that. */
    event_id: string | null;
    status: "pending" | "succeeded" | "failed" | null;
    attempts: number;
    last_attempt: {
      at: string;
      latency_ms: number;
      status_code: number | null;
      error: string | null;
    } | null;
    next_attempt_at: string | null;
  } | null;
  links: {
    self: string;
    result: string;
    cancel: string;
  };
};

export type JobFormRequest = {
  tasks: ("audio.features" | "speech.segments" | "speech.quality" | "speech.transcription" | "speech.speakers" | "music.pitch" | "music.notes" | "music.tags" | "music.mood" | "music.embedding")[];
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
    "speech.quality"?: {
    } | undefined;
    "speech.transcription"?: {
      language?: "en" | "zh" | "de" | "es" | "ru" | "ko" | "fr" | "ja" | "pt" | "tr" | "pl" | "ca" | "nl" | "ar" | "sv" | "it" | "id" | "hi" | "fi" | "vi" | "he" | "uk" | "el" | "ms" | "cs" | "ro" | "da" | "hu" | "ta" | "no" | "th" | "ur" | "hr" | "bg" | "lt" | "la" | "mi" | "ml" | "cy" | "sk" | "te" | "fa" | "lv" | "bn" | "sr" | "az" | "sl" | "kn" | "et" | "mk" | "br" | "eu" | "is" | "hy" | "ne" | "mn" | "bs" | "kk" | "sq" | "sw" | "gl" | "mr" | "pa" | "si" | "km" | "sn" | "yo" | "so" | "af" | "oc" | "ka" | "be" | "tg" | "sd" | "gu" | "am" | "yi" | "lo" | "uz" | "fo" | "ht" | "ps" | "tk" | "nn" | "mt" | "sa" | "lb" | "my" | "bo" | "tl" | "mg" | "as" | "tt" | "haw" | "ln" | "ha" | "ba" | "jw" | "su" | "yue" | undefined;
      task?: "transcribe" | "translate" | undefined;
      initial_prompt?: string | undefined;
      temperature?: number | undefined;
    } | undefined;
    "speech.speakers"?: {
      min_speakers?: number | undefined;
      max_speakers?: number | undefined;
      threshold?: number | undefined;
      min_turn_seconds?: number | undefined;
      min_gap_seconds?: number | undefined;
      embeddings?: boolean | undefined;
    } | undefined;
    "music.pitch"?: {
      confidence_threshold?: number | undefined;
      min_hz?: number | undefined;
      max_hz?: number | undefined;
    } | undefined;
    "music.notes"?: {
      onset_threshold?: number | undefined;
      frame_threshold?: number | undefined;
      min_note_seconds?: number | undefined;
      min_hz?: number | undefined;
      max_hz?: number | undefined;
      without_onset?: boolean | undefined;
      pitch_bends?: boolean | undefined;
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
  tasks: ("audio.features" | "speech.segments" | "speech.quality" | "speech.transcription" | "speech.speakers" | "music.pitch" | "music.notes" | "music.tags" | "music.mood" | "music.embedding")[];
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
    "speech.quality"?: {
    } | undefined;
    "speech.transcription"?: {
      language?: "en" | "zh" | "de" | "es" | "ru" | "ko" | "fr" | "ja" | "pt" | "tr" | "pl" | "ca" | "nl" | "ar" | "sv" | "it" | "id" | "hi" | "fi" | "vi" | "he" | "uk" | "el" | "ms" | "cs" | "ro" | "da" | "hu" | "ta" | "no" | "th" | "ur" | "hr" | "bg" | "lt" | "la" | "mi" | "ml" | "cy" | "sk" | "te" | "fa" | "lv" | "bn" | "sr" | "az" | "sl" | "kn" | "et" | "mk" | "br" | "eu" | "is" | "hy" | "ne" | "mn" | "bs" | "kk" | "sq" | "sw" | "gl" | "mr" | "pa" | "si" | "km" | "sn" | "yo" | "so" | "af" | "oc" | "ka" | "be" | "tg" | "sd" | "gu" | "am" | "yi" | "lo" | "uz" | "fo" | "ht" | "ps" | "tk" | "nn" | "mt" | "sa" | "lb" | "my" | "bo" | "tl" | "mg" | "as" | "tt" | "haw" | "ln" | "ha" | "ba" | "jw" | "su" | "yue" | undefined;
      task?: "transcribe" | "translate" | undefined;
      initial_prompt?: string | undefined;
      temperature?: number | undefined;
    } | undefined;
    "speech.speakers"?: {
      min_speakers?: number | undefined;
      max_speakers?: number | undefined;
      threshold?: number | undefined;
      min_turn_seconds?: number | undefined;
      min_gap_seconds?: number | undefined;
      embeddings?: boolean | undefined;
    } | undefined;
    "music.pitch"?: {
      confidence_threshold?: number | undefined;
      min_hz?: number | undefined;
      max_hz?: number | undefined;
    } | undefined;
    "music.notes"?: {
      onset_threshold?: number | undefined;
      frame_threshold?: number | undefined;
      min_note_seconds?: number | undefined;
      min_hz?: number | undefined;
      max_hz?: number | undefined;
      without_onset?: boolean | undefined;
      pitch_bends?: boolean | undefined;
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

export type JwkSet = {
  keys: ({
    kid: string;
    kty: string;
    alg: string;
    use: "sig";
    [key: string]: unknown;
  })[];
};

export type Limits = {
  /** `req` is for all requests of the account, `write` and `submit` for those that change something. */
  rates: ({
    name: string;
    limit: number;
    window_seconds: number;
  })[];
  quotas: {
    queued_jobs: {
      /** Null: without an end. */
      limit: number | null;
      used: number;
    };
    upload_bytes_per_month: {
      /** Null: without an end. */
      limit: number | null;
      used: number;
    };
    audio_seconds_per_month: {
      /** Null: without an end. */
      limit: number | null;
      used: number;
    };
  };
  /** Of one request, upload or job. */
  caps: { [key: string]: number };
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

export type Member = {
  id: string;
  email: string;
  name: string | null;
  role: "owner" | "admin" | "member" | "viewer";
  created_at: string;
};

export type MemberChange = {
  role: "owner" | "admin" | "member" | "viewer";
};

export type MemberList = {
  data: (Member)[];
  has_more: boolean;
  next_cursor: string | null;
  /** Those that nobody has accepted yet, with the first page. */
  invitations: (Invitation)[];
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

export type NewInvitation = {
  id: string;
  email: string;
  role: "owner" | "admin" | "member" | "viewer";
  expires_at: string;
  /** Hand it to the one who is meant: it accepts the invitation, once. It is shown this once. */
  token: string;
};

export type PasswordRequest = {
  email: string;
  password: string;
  /** Which account, for those who are in several. */
  account_id?: string | undefined;
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: "validation_failed" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "not_acceptable" | "idempotency_in_flight" | "conflict" | "gone" | "body_too_large" | "unsupported_content_type" | "unsupported_media" | "idempotency_key_reused" | "rate_limited" | "quota_exceeded" | "internal" | "unavailable";
  request_id: string;
  errors?: ({
    pointer: string;
    code: string;
    detail: string;
  })[] | undefined;
};

export type Redelivered = {
  delivery_ids: (string)[];
};

export type Redelivery = {
  /** To this endpoint alone. Without it: to all that the event was sent to. */
  endpoint_id?: string | undefined;
};

export type Session = {
  id: string;
  kind: "browser" | "device";
  client_name: string | null;
  /** Where it was begun. */
  ip: string | null;
  /** The one that asks. */
  current: boolean;
  created_at: string;
  /** To the minute. */
  last_used_at: string;
  expires_at: string;
};

export type SessionList = {
  data: (Session)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type SimilarJobs = {
  space: string;
  /** Whether every vector that the filter leaves was compared. An index may miss some. */
  exact: boolean;
  data: ({
    job_id: string;
    /** The cosine of the angle between the vectors: 1 is the same direction. */
    score: number;
    created_at: string;
    metadata: { [key: string]: string };
    /** Of the file, such as its artist and title. */
    tags: { [key: string]: string };
  })[];
};

export type SimilarRequest = {
  job_id?: string | undefined;
  /** The mean of their directions counts. */
  job_ids?: (string)[] | undefined;
  /** Of the space that is named. */
  vector?: (number)[] | undefined;
  /** Without it that of the jobs. */
  space?: string | undefined;
  /** Applied before anything is ranked. */
  filter?: {
    /** By task, what its pooled fields must be: a value, which of a list is one of it, or a range. A field in another is named with a dot: `scores.rock`, `heads.mood_happy.happy`, `tags.regular`. */
    results?: {
      "audio.features"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "speech.segments"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "speech.quality"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "speech.transcription"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "speech.speakers"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "music.pitch"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "music.notes"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "music.tags"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "music.mood"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
      "music.embedding"?: { [key: string]: string | number | boolean | {
        min?: number | undefined;
        max?: number | undefined;
      } } | undefined;
    } | undefined;
    created_after?: string | undefined;
    created_before?: string | undefined;
    metadata?: { [key: string]: string } | undefined;
  } | undefined;
  limit?: number | undefined;
  /** Compare every vector, even where the space has an approximate index. */
  exact?: boolean | undefined;
};

export type Speaker = {
  id: string;
  name: string;
  consent: string;
  /** Of the model that heard the voice: voices of two spaces are never compared. */
  space: string;
  speech_seconds: number;
  job_id: string;
  created_at: string;
};

export type SpeakerList = {
  data: (Speaker)[];
  has_more: false;
  next_cursor: null;
};

export type SpeakerRequest = {
  name: string;
  /** Who agreed that this voice is kept, when and for what. It is kept with it. */
  consent: string;
  job_id: string;
  /** As the job's result labels them: `speaker_1`. */
  speaker: string;
};

export type TaskResult = {
  task: string;
  status: "succeeded" | "failed";
  [key: string]: unknown;
};

export type TokenRequest = {
  /** What the token may do, never more than its maker; all of that without it. `uploads:write` alone is for browsers. */
  scopes?: ("jobs:read" | "jobs:write" | "uploads:write" | "webhooks:read" | "webhooks:write" | "events:read" | "speakers:read" | "speakers:write" | "keys:read" | "keys:write" | "members:read" | "members:write" | "audit:read" | "boxes:read" | "boxes:write" | "account:read" | "account:write")[] | undefined;
  /** Seconds. */
  expires_in?: number | undefined;
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

export type Usage = {
  month: string;
  /** Submitted, retries too. */
  jobs: number;
  uploads: number;
  /** Announced. */
  upload_bytes: number;
  /** Of jobs that ended in the month. */
  audio_seconds: number;
  compute_seconds: number;
  /** Now. */
  queued_jobs: number;
};

export type Verification = {
  speaker_id: string;
  space: string;
  /** Null: nobody has said one for this space. */
  threshold: number | null;
  /** The likeliest first. */
  voices: ({
    speaker: string;
    /** The cosine of the two voices. */
    score: number;
    decision: "same" | "different" | null;
  })[];
};

export type VerificationRequest = {
  job_id: string;
  /** One of the job's; all of them where it is left out. */
  speaker?: string | undefined;
  /** Instead of the space's own. */
  threshold?: number | undefined;
};

export type WebhookEndpoint = {
  id: string;
  url: string;
  description: string;
  /** The types it asks for. Null: all but `job.started` and `job.progress`. */
  events: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test")[] | null;
  payload: "thin" | "full";
  metadata: { [key: string]: string };
  enabled: boolean;
  /** Why Earshot disabled it. `gone`: it answered 410. `exhausted`: an event used up its whole schedule, and nothing succeeded meanwhile. */
  disabled_reason: "gone" | "exhausted" | null;
  disabled_at: string | null;
  /** Until then the secret before the last rotation signs too. */
  previous_secret_until: string | null;
  created_at: string;
  updated_at: string;
};

export type WebhookEndpointAttempt = {
  attempt: number;
  started_at: string;
  latency_ms: number;
  status_code: number | null;
  /** The class of the fault where no answer came: dns, connect, tls, timeout, reset, forbidden … */
  error: string | null;
  /** How the body of the answer began. */
  response_head: string | null;
  delivery_id: string;
  event_id: string;
  type: "job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test";
};

export type WebhookEndpointAttemptList = {
  data: (WebhookEndpointAttempt)[];
  has_more: boolean;
  next_cursor: string | null;
};

export type WebhookEndpointChange = {
  url?: string | undefined;
  description?: string | undefined;
  /** The types to be sent. Null: all but `job.started` and `job.progress`. */
  events?: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test")[] | null | undefined;
  /** `full` adds the results' summaries to a job's end, where that stays within 20000 bytes. */
  payload?: "thin" | "full" | undefined;
  metadata?: { [key: string]: string } | undefined;
  /** What waits for an endpoint that is disabled ends as failed; it can be recovered later. */
  enabled?: boolean | undefined;
};

export type WebhookEndpointList = {
  data: (WebhookEndpoint)[];
  has_more: false;
  next_cursor: null;
};

export type WebhookEndpointRequest = {
  url: string;
  description?: string | undefined;
  /** The types to be sent. Null: all but `job.started` and `job.progress`. */
  events?: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test")[] | null | undefined;
  /** `full` adds the results' summaries to a job's end, where that stays within 20000 bytes. */
  payload?: "thin" | "full" | undefined;
  metadata?: { [key: string]: string } | undefined;
  enabled?: boolean | undefined;
  /** To bring one's own, in place of a new one. */
  secret?: string | undefined;
};

export type WebhookEndpointWithSecret = {
  id: string;
  url: string;
  description: string;
  /** The types it asks for. Null: all but `job.started` and `job.progress`. */
  events: ("job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test")[] | null;
  payload: "thin" | "full";
  metadata: { [key: string]: string };
  enabled: boolean;
  /** Why Earshot disabled it. `gone`: it answered 410. `exhausted`: an event used up its whole schedule, and nothing succeeded meanwhile. */
  disabled_reason: "gone" | "exhausted" | null;
  disabled_at: string | null;
  /** Until then the secret before the last rotation signs too. */
  previous_secret_until: string | null;
  created_at: string;
  updated_at: string;
  /** It is shown this once. */
  secret: string;
};

export type WebhookRecovered = {
  /** Events that are sent once more. */
  recovered: number;
  /** One request recovers at most 10000; the same request again goes on. */
  has_more: boolean;
};

export type WebhookRecovery = {
  /** Events of this time and later, an ISO 8601 time. */
  since: string;
  /** Events before this; without it, all up to now. */
  until?: string | undefined;
};

export type WebhookSecretRotation = {
  /** How long the old secret signs beside the new one. 0: it ends at once. */
  grace_seconds?: number | undefined;
  /** To bring one's own, in place of a new one. */
  secret?: string | undefined;
};

export type WebhookTest = {
  event_id: string;
  links: {
    event: string;
    deliveries: string;
  };
};

export interface Queries {
  "GET /v1/boxes": {
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/jobs": {
    status?: "queued" | "running" | "canceling" | "succeeded" | "partial" | "failed" | "canceled" | "expired" | undefined;
    /** Jobs that were asked for this task. */
    task?: "audio.features" | "speech.segments" | "speech.quality" | "speech.transcription" | "speech.speakers" | "music.pitch" | "music.notes" | "music.tags" | "music.mood" | "music.embedding" | undefined;
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
  "GET /v1/jobs/{id}/transcript": {
    /** Of one line of a cue. */
    max_line_characters?: number | undefined;
    /** Of one cue. */
    max_lines?: number | undefined;
    /** How long one cue stays. */
    max_cue_seconds?: number | undefined;
  };
  "GET /v1/jobs/{id}/transcript.json": {
    /** Of one line of a cue. */
    max_line_characters?: number | undefined;
    /** Of one cue. */
    max_lines?: number | undefined;
    /** How long one cue stays. */
    max_cue_seconds?: number | undefined;
  };
  "GET /v1/jobs/{id}/transcript.txt": {
    /** Of one line of a cue. */
    max_line_characters?: number | undefined;
    /** Of one cue. */
    max_lines?: number | undefined;
    /** How long one cue stays. */
    max_cue_seconds?: number | undefined;
  };
  "GET /v1/jobs/{id}/transcript.srt": {
    /** Of one line of a cue. */
    max_line_characters?: number | undefined;
    /** Of one cue. */
    max_lines?: number | undefined;
    /** How long one cue stays. */
    max_cue_seconds?: number | undefined;
  };
  "GET /v1/jobs/{id}/transcript.vtt": {
    /** Of one line of a cue. */
    max_line_characters?: number | undefined;
    /** Of one cue. */
    max_lines?: number | undefined;
    /** How long one cue stays. */
    max_cue_seconds?: number | undefined;
  };
  "GET /v1/webhook-endpoints/{id}/attempts": {
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/events": {
    type?: "job.started" | "job.progress" | "job.succeeded" | "job.partial" | "job.failed" | "job.canceled" | "job.expired" | "endpoint.disabled" | "security.alert" | "webhook.test" | undefined;
    job_id?: string | undefined;
    /** Later than this, an ISO 8601 time. */
    created_after?: string | undefined;
    /** Earlier than this. */
    created_before?: string | undefined;
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/audit": {
    /** `job.delete`; or a noun with its dot, `job.`, for all that begins with it. */
    action?: string | undefined;
    actor_kind?: "api_key" | "session" | "token" | "oidc" | "box" | "operator" | "system" | "anonymous" | undefined;
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
  "DELETE /v1/account": {
    /** The account's id, as `GET /v1/me` tells it: this can't be undone. */
    confirm?: string | undefined;
  };
  "GET /v1/usage": {
    /** This month without it; months are UTC's. */
    month?: string | undefined;
  };
  "GET /v1/auth/sessions": {
    limit?: number | undefined;
    /** `next_cursor` of the page before. */
    cursor?: string | undefined;
  };
  "GET /v1/members": {
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
