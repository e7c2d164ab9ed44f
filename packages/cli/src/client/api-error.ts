import { AppError, isApiErrorCode } from "@earshot/shared/domain/errors";
import type { ApiErrorCode } from "@earshot/shared/domain/errors";
import * as z from "zod";

/** RFC 9457, as far as it is read here. */
const problem = z.looseObject({
  code: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  request_id: z.string().optional(),
  errors: z.array(z.unknown()).optional(),
});

/** Codes for the answers of a proxy, which have no problem body. */
const CODES: Readonly<Record<number, ApiErrorCode>> = {
  400: "validation_failed",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  410: "gone",
  413: "body_too_large",
  415: "unsupported_content_type",
  429: "rate_limited",
};

/** What the API answered when it refused a request. */
export class ApiRefusal extends AppError {
  readonly status: number;
  /** From `Retry-After`; null without one. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, headers: Headers, body: unknown) {
    const { data } = problem.safeParse(body);
    const code = data && isApiErrorCode(data.code) ? data.code : (CODES[status] ?? "internal");
    super(code, {
      message: data?.detail ?? data?.title ?? `The API answered with status ${status}.`,
      detail: {
        status,
        ...(data?.request_id === undefined ? {} : { request_id: data.request_id }),
        ...(data?.errors === undefined ? {} : { errors: data.errors }),
      },
    });
    this.status = status;
    this.retryAfterSeconds = secondsOf(headers.get("retry-after"));
  }
}

/** Nobody answered at the API's address. */
export class ApiUnreachable extends Error {
  override readonly name = "ApiUnreachable";
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? "");
  return header !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
