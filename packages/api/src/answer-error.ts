import type { Hook } from "@hono/zod-openapi";
import type { ErrorHandler, Hono, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { AppError, away } from "@earshot/shared/domain/errors";
import { quotaRefusal } from "@earshot/shared/db/quotas";
import { describeError } from "@earshot/shared/log";
import { isDatabaseUnavailable } from "./database-unavailable.ts";
import { note } from "./env.ts";
import type { AppContext, AppEnv } from "./env.ts";
import { fieldErrors } from "./field-errors.ts";
import { isSpokenPath } from "./routes/audio/spoken-paths.ts";
import { invalid, problemHeaders, problemOf, RefusedRequest } from "./problem.ts";
import type { ProblemDetails } from "./problem.ts";

/** Every error ends here: a refusal is told, a fault of ours is logged with its cause and told as `internal` or `unavailable`. */
export const answerError: ErrorHandler<AppEnv> = (error, c) => answerProblem(c, refusalOf(error));

/** Nothing is here; or something is, but not for this method. */
export function answerUnmatched(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  return function answerUnmatched(c) {
    const allowed = METHODS.filter((method) => hasRoute(app, method, c.req.path));
    if (allowed.length === 0) return answerProblem(c, new AppError("not_found"));
    c.header("Allow", allowed.join(", "));
    return answerProblem(c, new AppError("method_not_allowed"));
  };
}

/** As OpenAI's clients read a refusal (https://platform.openai.com/docs/guides/error-codes), beside what it is for all others. */
function openAiError({ status, detail: message, code, errors }: ProblemDetails) {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { message, type, param: errors?.[0]?.pointer.slice(1) ?? null, code };
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Not by what is only passed on the way, which is there for every method. */
function hasRoute(app: Hono<AppEnv>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
}

/** What a zod schema of a route refuses. */
export const refuseInvalid: Hook<unknown, AppEnv, string, undefined> = (result) => {
  if (!result.success)
    throw new RefusedRequest("validation_failed", fieldErrors(result.target, result.error));
};

function answerProblem(c: AppContext, error: unknown): Response {
  const problem = problemOf(error, c.var.requestId);
  note(c, { error_code: problem.code });
  if (problem.status >= 500) note(c, describeError(error));
  const told = isSpokenPath(c.req.path) ? { ...problem, error: openAiError(problem) } : problem;
  return c.body(JSON.stringify(told), problem.status as 400, problemHeaders(error, problem.code));
}

/** The errors of the libraries beneath, in the words of the closed list. */
function refusalOf(error: unknown): unknown {
  if (error instanceof HTTPException && error.status === 415) {
    return new AppError("unsupported_content_type", { cause: error });
  }
  // The validator of JSON bodies has no other reason: here the body was empty.
  if (error instanceof HTTPException && error.status === 400)
    return invalid("", "The body is not JSON.", "invalid_json");
  const quota = quotaRefusal(error, new Date());
  if (quota !== null) return quota;
  if (isDatabaseUnavailable(error)) return away(error);
  return error;
}
