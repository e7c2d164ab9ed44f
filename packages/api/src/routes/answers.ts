import type { TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { JSONParsed } from "hono/utils/types";
import { API_ERRORS } from "@earshot/shared/domain/errors";
import type { ApiErrorCode } from "@earshot/shared/domain/errors";
import type { AppContext } from "../env.ts";
import { ProblemDetails } from "../problem.ts";

/** A JSON answer whose bytes are made or stored already. The caller vouches that `text` is a `Shape`. */
export function jsonText<Shape, Status extends ContentfulStatusCode>(
  c: AppContext,
  text: string | ReadableStream,
  status: Status,
  headers: Record<string, string> = {},
): Response & TypedResponse<JSONParsed<Shape>, Status, "json"> {
  const answer: Response = c.body(text, status, { "Content-Type": "application/json", ...headers });
  return answer as Response & TypedResponse<JSONParsed<Shape>, Status, "json">;
}

/** The same of JSON that is gzipped already. */
export function gzippedJson<Shape>(
  gzipped: ReadableStream,
  headers: Record<string, string>,
): Response & TypedResponse<JSONParsed<Shape>, 200, "json"> {
  // Workers zip a body with this header themselves, unless they are told that it is done.
  const init: ResponseInit & { encodeBody: "manual" } = {
    status: 200,
    headers: { ...headers, "Content-Type": "application/json", "Content-Encoding": "gzip" },
    encodeBody: "manual",
  };
  return new Response(gzipped, init) as Response & TypedResponse<JSONParsed<Shape>, 200, "json">;
}

type ProblemResponse = {
  description: string;
  content: { "application/problem+json": { schema: typeof ProblemDetails } };
};

const OF_EVERY_ROUTE = [
  "validation_failed",
  "unauthorized",
  "rate_limited",
  "internal",
  "unavailable",
] as const;

/** The refusals of a route, for its contract. Those of every route go without saying. */
export function problems(...codes: ApiErrorCode[]): Record<number, ProblemResponse> {
  const all = new Set<ApiErrorCode>([...codes, ...OF_EVERY_ROUTE]);
  const byStatus = Object.groupBy(all, (code) => API_ERRORS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, list = []]) => [
      status,
      {
        description: list.map((code) => `\`${code}\`: ${API_ERRORS[code].title}`).join(" "),
        content: { "application/problem+json": { schema: ProblemDetails } },
      },
    ]),
  );
}
