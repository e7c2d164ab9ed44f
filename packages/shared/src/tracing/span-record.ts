import { beginSpan, traceparentOf } from "../crypto/trace.ts";
import type { TraceSpan } from "../crypto/trace.ts";
import type { LogFields } from "../log.ts";

/** A span that has ended. */
export interface SpanRecord {
  name: string;
  /** `server`: it answered a request; `consumer`: it took work from a queue; `client`: it asked somebody else. */
  kind: "server" | "consumer" | "client" | "internal";
  span: TraceSpan;
  startedAt: Date;
  seconds: number;
  /** What went wrong, as a code; null when nothing did. */
  error: string | null;
  attributes: Readonly<Record<string, string | number | boolean | readonly string[] | null>>;
}

export type EndSpan = (record: SpanRecord) => void;

/** How a wide event names its span in the log, and what `spanOf` reads. */
export function spanFields({ traceId, spanId, parentSpanId, isSampled }: TraceSpan) {
  return { trace_id: traceId, span_id: spanId, parent_span_id: parentSpanId, sampled: isSampled };
}

/** null: the event is of no span. */
export function spanOf(fields: LogFields): TraceSpan | null {
  const { trace_id: traceId, span_id: spanId, parent_span_id: parentSpanId, sampled } = fields;
  if (typeof traceId !== "string" || typeof spanId !== "string") return null;
  return {
    traceId,
    spanId,
    parentSpanId: typeof parentSpanId === "string" ? parentSpanId : null,
    isSampled: sampled === true,
  };
}

/** A new span below this one. */
export function childOf(span: TraceSpan): TraceSpan {
  return beginSpan(traceparentOf(span));
}
