import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { API_ERRORS, AppError, isApiErrorCode, titleOf } from "@earshot/shared/domain/errors";
import type { ApiErrorCode } from "@earshot/shared/domain/errors";

/** One fault of a request. The pointer (RFC 6901) goes into the body, or begins with `/query`, `/headers` or `/path`. */
export interface FieldError {
  pointer: string;
  code: string;
  detail: string;
}

/** RFC 9457, with the code of the closed list in domain/errors.ts. */
export const ProblemDetails = doc(() =>
  z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.number().int(),
      detail: z.string(),
      code: z.enum(Object.keys(API_ERRORS) as [ApiErrorCode, ...ApiErrorCode[]]),
      request_id: z.string(),
      errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
    })
    .meta({ id: "Problem" }),
);

export type ProblemDetails = z.output<typeof ProblemDetails>;

/** A refusal that names the fields at fault. */
export class RefusedRequest extends AppError<ApiErrorCode> {
  readonly errors: readonly FieldError[];

  constructor(code: ApiErrorCode, errors: readonly FieldError[], options: { cause?: unknown } = {}) {
    super(code, { ...options, message: errors.map((error) => error.detail).join(" ") || titleOf(code) });
    this.errors = errors;
  }
}

export function invalid(pointer: string, detail: string, code = "custom"): RefusedRequest {
  return new RefusedRequest("validation_failed", [{ pointer, code, detail }]);
}

const MOST_ERRORS = 32;
const LONGEST_TEXT = 256;

/** What the client is told of `error`. Of anything that isn't an expected refusal it is told nothing. */
export function problemOf(error: unknown, requestId: string): ProblemDetails {
  const code = error instanceof AppError && isApiErrorCode(error.code) ? error.code : "internal";
  const { status, title } = API_ERRORS[code];
  const detail = status < 500 ? (error as AppError).message : title;
  const errors = error instanceof RefusedRequest ? error.errors.slice(0, MOST_ERRORS).map(shortened) : [];
  return {
    type: `urn:earshot:problem:${code}`,
    title,
    status,
    detail: cut(detail, 4 * LONGEST_TEXT),
    code,
    request_id: requestId,
    ...(errors.length > 0 && { errors }),
  };
}

/** Headers that belong to a problem. Seconds in `detail.retryAfterSeconds` say when to come back. */
export function problemHeaders(error: unknown, code: ApiErrorCode): Record<string, string> {
  const retryAfter = error instanceof AppError && error.detail.retryAfterSeconds;
  return {
    "Content-Type": "application/problem+json",
    ...(code === "unauthorized" && { "WWW-Authenticate": "Bearer" }),
    ...(typeof retryAfter === "number" && { "Retry-After": String(retryAfter) }),
  };
}

function shortened({ pointer, code, detail }: FieldError): FieldError {
  return { pointer: cut(pointer, LONGEST_TEXT), code, detail: cut(detail, LONGEST_TEXT) };
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
