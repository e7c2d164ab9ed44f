import { SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Attributes, HrTime, SpanContext } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../config/tracing.ts";
import type { SpanRecord } from "./span-record.ts";

const KINDS = {
  server: SpanKind.SERVER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

/** About 1 kB each. What comes beyond them is dropped: a collector that is away costs no memory and holds nothing up. */
const MOST_WAITING = 2_048;
const BATCH = 512;
const EXPORT_TIMEOUT_MS = 5_000;

export interface OtlpOptions extends TracingConfig {
  OTLP_URL: string;
  service: string;
  /** How long the first span of a batch waits for others. */
  everyMs: number;
  /** What became of a batch. */
  onExport(spans: number, error: Error | null): void;
}

/** OpenTelemetry's own batches and exporter, for spans whose ids the product has made itself. */
export function createOtlpProcessor(options: OtlpOptions) {
  const { OTLP_URL: url, OTLP_HEADERS: headers = {}, service, everyMs, onExport } = options;
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_TIMEOUT_MS });
  const processor = new BatchSpanProcessor({
    exporter: counting(exporter, onExport),
    maxQueueSize: MOST_WAITING,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: everyMs,
    exportTimeoutMillis: 2 * EXPORT_TIMEOUT_MS,
  });
  const resource = resourceFromAttributes({ "service.namespace": "earshot", "service.name": service });
  return {
    end: (record: SpanRecord) => processor.onEnd(readable(record, resource)),
    shutdown: () => processor.shutdown(),
  };
}

function counting(exporter: SpanExporter, onExport: OtlpOptions["onExport"]): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        onExport(spans.length, result.code === 0 ? null : (result.error ?? new Error("not exported")));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

function readable(record: SpanRecord, resource: ReadableSpan["resource"]): ReadableSpan {
  const { name, kind, span, startedAt, seconds, error } = record;
  const startMs = startedAt.getTime();
  const context = (spanId: string): SpanContext => ({
    traceId: span.traceId,
    spanId,
    traceFlags: span.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  });
  return {
    name,
    kind: KINDS[kind],
    spanContext: () => context(span.spanId),
    ...(span.parentSpanId !== null && {
      parentSpanContext: { ...context(span.parentSpanId), isRemote: true },
    }),
    startTime: hrTime(startMs),
    endTime: hrTime(startMs + seconds * 1_000),
    duration: hrTime(seconds * 1_000),
    ended: true,
    status: error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes: attributesOf(record),
    links: [],
    events: [],
    resource,
    instrumentationScope: { name: "earshot" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds, and nanoseconds beside them. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

function attributesOf({ attributes, error }: SpanRecord): Attributes {
  const known = Object.entries(attributes).flatMap(
    ([name, value]): [string, string | number | boolean | string[]][] => {
      if (value === null) return [];
      return [[name, typeof value === "object" ? [...value] : value]];
    },
  );
  return { ...Object.fromEntries(known), ...(error !== null && { "error.type": error }) };
}
