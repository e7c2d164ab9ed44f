import type { Readable } from "node:stream";
import { beginSpan, traceparentOf } from "@earshot/shared/crypto/trace";
import type { TraceSpan } from "@earshot/shared/crypto/trace";
import { signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
import type { AttemptRecord, Verdict } from "@earshot/shared/db/webhooks/record-attempt";
import type { Random } from "@earshot/shared/domain/backoff";
import { AppError } from "@earshot/shared/domain/errors";
import { parseRetryAfter, verdictOf } from "./deliver-verdict.ts";
import type { Resolve } from "./egress/checked-addresses.ts";
import { EgressError } from "./egress/egress-error.ts";
import { guardedRequest } from "./egress/guarded-request.ts";
import type { Agents } from "./egress/keep-alive.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";

export interface AttemptOptions {
  /** Each gives a signature. */
  secrets: readonly string[];
  policy: EgressPolicy;
  /** For all of it: name, connection, answer and the head of its body. */
  timeoutMs: number;
  now: () => Date;
  random: Random;
  /** Keep connections for the next delivery. */
  agents?: Agents;
  /** Default: the system's resolver. */
  resolve?: Resolve;
  /** Cuts the attempt off. */
  signal: AbortSignal;
}

export interface DeliveryAttempt {
  record: AttemptRecord;
  verdict: Verdict;
  /** What the receiver was told is its parent; null where the job has no trace. */
  span: TraceSpan | null;
}

/** What came back. Without an answer there is an `error`: the class of the fault. */
type Answer = Pick<AttemptRecord, "statusCode" | "error" | "responseHead"> & {
  retryAfterSeconds: number | null;
};

/** Of a response, this much is read, so that a short one ends in good order … */
const READ_BYTES = 4_096;
/** … and this much is kept. */
const HEAD_BYTES = 1_024;

/**
 * Sends a delivery once, freshly signed, under one deadline. A redirect is not followed. A target that the policy
 * forbids is a failed attempt like any other, since what a name resolves to may be set right.
 * @throws TypeError when a secret can't sign; the reason of `signal` when it aborts before an answer has come.
 */
export async function attemptDelivery(
  delivery: ClaimedDelivery,
  options: AttemptOptions,
): Promise<DeliveryAttempt> {
  const startedAt = options.now();
  const startMs = performance.now();
  const span = delivery.traceparent === null ? null : beginSpan(delivery.traceparent);
  const headers = await headersOf(delivery, span, startedAt, options.secrets);
  const { retryAfterSeconds, ...answer } = await post(delivery, headers, options);
  return {
    record: { ...answer, startedAt, latencyMs: Math.round(performance.now() - startMs) },
    verdict: verdictOf(
      { ...answer, retryAfterSeconds },
      { type: delivery.type, attempt: delivery.attempt + 1 },
      options.random,
    ),
    span,
  };
}

async function headersOf(
  delivery: ClaimedDelivery,
  span: TraceSpan | null,
  at: Date,
  secrets: readonly string[],
) {
  if (secrets.length === 0) throw new TypeError("a webhook needs a secret");
  const timestampSeconds = Math.floor(at.getTime() / 1_000);
  return {
    "content-type": "application/json",
    "user-agent": "Earshot-Webhooks/1",
    ...(span !== null && { traceparent: traceparentOf(span) }),
    ...(await signWebhook({ id: delivery.eventId, timestampSeconds, body: delivery.payload }, secrets)),
  };
}

async function post(
  { url, payload }: ClaimedDelivery,
  headers: Record<string, string>,
  options: AttemptOptions,
): Promise<Answer> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  try {
    const { policy, now, agents, resolve } = options;
    const request = { method: "POST", headers, body: payload, policy, signal };
    const response = await guardedRequest(url, {
      ...request,
      ...(agents && { agents }),
      ...(resolve && { resolve }),
    });
    const retryAfterSeconds = parseRetryAfter(response.headers["retry-after"], now());
    return {
      statusCode: response.status,
      error: null,
      responseHead: await readHead(response.body),
      retryAfterSeconds,
    };
  } catch (error) {
    options.signal.throwIfAborted();
    return { statusCode: null, error: faultOf(error), responseHead: null, retryAfterSeconds: null };
  }
}

function faultOf(error: unknown): string {
  if (error instanceof EgressError) return error.kind;
  if (error instanceof AppError && error.code === "input_forbidden") return "forbidden";
  throw error;
}

/** Never throws: the status has come and decides, however the body goes on. */
async function readHead(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= READ_BYTES) break;
    }
  } catch {
    // Cut short by its sender or by the deadline.
  } finally {
    body.destroy();
  }
  return printable(Buffer.concat(chunks).subarray(0, HEAD_BYTES));
}

/** As text, whatever it was. Postgres takes no NUL in a text, and nobody wants the other control characters in a log. */
function printable(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true }).replaceAll(/\p{Cc}/gu, "");
}
