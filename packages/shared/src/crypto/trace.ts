import { randomBytes, toHex } from "./bytes.ts";

/** One span of a trace, as it says of itself (W3C Trace Context). */
export interface TraceSpan {
  traceId: string;
  spanId: string;
  /** null: the trace begins here. */
  parentSpanId: string | null;
  /** Whether whoever began the trace wants it kept. */
  isSampled: boolean;
}

// W3C Trace Context, section 3.2; ids of only zeros are not valid.
const VALID = /^00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 0x01;

/** A new span below the one that `traceparent` names; without a valid one, the first of a new trace. */
export function beginSpan(traceparent: string | null | undefined): TraceSpan {
  const [, traceId, parentSpanId, flags] = VALID.exec(traceparent ?? "") ?? [];
  const spanId = toHex(randomBytes(8));
  if (traceId === undefined || parentSpanId === undefined) {
    return { traceId: toHex(randomBytes(16)), spanId, parentSpanId: null, isSampled: true };
  }
  return {
    traceId,
    spanId,
    parentSpanId,
    isSampled: (Number.parseInt(flags ?? "", 16) & SAMPLED) === SAMPLED,
  };
}

/** What the next hop is told: its parent is `span`. */
export function traceparentOf({ traceId, spanId, isSampled }: TraceSpan): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}
