import { API_ERRORS, AppError, isApiErrorCode } from "@earshot/shared/domain/errors";
import * as z from "zod";

/** RFC 9457, as far as it is read here. */
const problem = z.looseObject({
  code: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  request_id: z.string().optional(),
  errors: z.array(z.unknown()).optional(),
});

/** What the API answered when it refused a request. */
export class ApiRefusal extends AppError {
  readonly status: number;
  /** From `Retry-After`; null without one. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, headers: Headers, body: unknown) {
    const { data } = problem.safeParse(body);
    const code = data && isApiErrorCode(data.code) ? data.code : codeOf(status);
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

/** What the answer of a proxy without a problem body comes closest to. */
function codeOf(status: number) {
  const found = Object.entries(API_ERRORS).find(([, error]) => error.status === status)?.[0];
  return found !== undefined && isApiErrorCode(found) ? found : "internal";
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? "");
  return header !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
