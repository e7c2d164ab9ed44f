/** The public face of the package: what is not here may change. */
export type * from "./api-types.ts";
export { Earshot } from "./earshot.ts";
export type { EarshotOptions } from "./earshot.ts";
export { ApiError, ConnectionError, EarshotError, WebhookVerificationError } from "./errors.ts";
export type { HeardEvent, ListenOptions } from "./events.ts";
export { isFinal } from "./jobs.ts";
export type { JobEvent, JobProgress, JobQuery, JobStatus, SubmitOptions, WaitOptions } from "./jobs.ts";
export { UploadInterrupted } from "./uploads.ts";
export type { PutSlice, SlicePut, UploadOptions, UploadSource, UploadState } from "./uploads.ts";
export { unwrap } from "./webhooks.ts";
export type { UnwrapOptions, WebhookMessage } from "./webhooks.ts";
