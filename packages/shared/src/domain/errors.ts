/** What can end a job. `retryable`: the same input may succeed at another time, so the worker tries again. */
export const JOB_ERRORS = {
  input_unreachable: { retryable: true, title: "The input could not be fetched." },
  input_forbidden: { retryable: false, title: "The input's address is not allowed." },
  input_too_large: { retryable: false, title: "The input has too many bytes." },
  input_too_long: { retryable: false, title: "The audio lasts too long." },
  input_too_short: { retryable: false, title: "The audio is too short for this task." },
  unsupported_media: { retryable: false, title: "The input is not audio in a supported format." },
  decode_failed: { retryable: false, title: "The audio could not be decoded." },
  no_audio: { retryable: false, title: "The input holds no audio stream." },
  model_unavailable: { retryable: false, title: "A model that the task needs is not installed." },
  worker_lost: { retryable: false, title: "The workers that ran this job were lost too often." },
  timeout: { retryable: false, title: "The job ran longer than its timeout." },
  queue_deadline_exceeded: { retryable: false, title: "No worker started the job before its deadline." },
  canceled: { retryable: false, title: "The job was canceled." },
  input_mismatch: { retryable: false, title: "The input is not the file that was announced." },
  tasks_failed: { retryable: false, title: "Every task of the job failed." },
  internal: { retryable: true, title: "Something broke on our side." },
} as const satisfies Record<string, { retryable: boolean; title: string }>;

export type JobErrorCode = keyof typeof JOB_ERRORS;

/** What the API answers when it refuses, with the HTTP status that goes with it. */
export const API_ERRORS = {
  validation_failed: { status: 400, title: "The request is not valid." },
  unauthorized: { status: 401, title: "Authentication is missing or not valid." },
  forbidden: { status: 403, title: "This credential may not do that." },
  not_found: { status: 404, title: "There is nothing here." },
  method_not_allowed: { status: 405, title: "This method is not allowed here." },
  not_acceptable: { status: 406, title: "This is not to be had in a format that is accepted." },
  idempotency_in_flight: { status: 409, title: "A request with this Idempotency-Key is still running." },
  conflict: { status: 409, title: "The resource is in a state that does not allow this." },
  gone: { status: 410, title: "The resource was deleted." },
  body_too_large: { status: 413, title: "The request body is too large." },
  unsupported_content_type: { status: 415, title: "This content type is not accepted here." },
  unsupported_media: { status: 422, title: "The file is not audio in a supported format." },
  idempotency_key_reused: { status: 422, title: "This Idempotency-Key was used with another body." },
  rate_limited: { status: 429, title: "Too many requests." },
  quota_exceeded: { status: 429, title: "The account's quota is used up." },
  internal: { status: 500, title: "Something broke on our side." },
  unavailable: { status: 503, title: "Something that this needs is away." },
} as const satisfies Record<string, { status: number; title: string }>;

export type ApiErrorCode = keyof typeof API_ERRORS;
export type ErrorCode = JobErrorCode | ApiErrorCode;

/** Facts for the caller: plain JSON, never a secret, never a path of this machine. */
export type ErrorDetail = Readonly<Record<string, unknown>>;

/** An error that was expected and has a code. Anything else that is thrown is a bug and is told as `internal`. */
export class AppError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly detail: ErrorDetail;

  constructor(code: Code, options: { message?: string; detail?: ErrorDetail; cause?: unknown } = {}) {
    super(
      options.message ?? titleOf(code),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "AppError";
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** What `cause` is to the caller where something that a request needs is away: the same one may succeed in a moment. */
export function away(cause: unknown): AppError<"unavailable"> {
  return new AppError("unavailable", { detail: { retryAfterSeconds: 1 }, cause });
}

/** @throws AppError of `away`: for a `catch` */
export function unavailable(cause: unknown): never {
  throw away(cause);
}

export function titleOf(code: ErrorCode): string {
  return code in JOB_ERRORS ? JOB_ERRORS[code as JobErrorCode].title : API_ERRORS[code as ApiErrorCode].title;
}

export function isJobErrorCode(code: string): code is JobErrorCode {
  return Object.hasOwn(JOB_ERRORS, code);
}

export function isApiErrorCode(code: string): code is ApiErrorCode {
  return Object.hasOwn(API_ERRORS, code);
}

/** The code that a job ends with when `error` ended it. */
export function jobErrorCode(error: unknown): JobErrorCode {
  return error instanceof AppError && isJobErrorCode(error.code) ? error.code : "internal";
}

export function isRetryable(error: unknown): boolean {
  return JOB_ERRORS[jobErrorCode(error)].retryable;
}
