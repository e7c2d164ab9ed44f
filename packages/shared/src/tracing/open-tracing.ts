import { Counter } from "prom-client";
import type { Registry } from "prom-client";
import type { TracingConfig } from "../config/tracing.ts";
import type { Log } from "../log.ts";
import { describeError } from "../log.ts";
import { pause } from "../pause.ts";
import type { EndSpan } from "./span-record.ts";

const EVERY_MS = 1_000;
/** A collector that is away keeps nobody from stopping. */
const FLUSH_WITHIN_MS = 1_500;
const WARN_EVERY_MS = 60_000;

export interface Tracing extends AsyncDisposable {
  /** Takes a span that has ended. It never throws and never waits. */
  end: EndSpan;
}

export interface TracingOptions {
  /** Of this process: `earshot-api`, `earshot-worker`, `earshot-deliver`. */
  service: string;
  registry: Registry;
  log: Log;
}

/** Sends spans to the collector that is configured, in batches. Without one they go nowhere, and nothing is loaded. */
export async function openTracing(
  config: TracingConfig,
  { service, registry, log }: TracingOptions,
): Promise<Tracing> {
  const { OTLP_URL } = config;
  if (OTLP_URL === undefined) return { end() {}, async [Symbol.asyncDispose]() {} };
  const spans = new Counter({
    name: "earshot_spans_total",
    help: "Spans that ended, were exported and could not be exported. What is missing between them waits or was dropped.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  for (const outcome of ["ended", "exported", "failed"]) spans.inc({ outcome }, 0);
  let warnedAt = -Infinity;
  const { createOtlpProcessor } = await import("./otlp-processor.ts");
  const processor = createOtlpProcessor({
    ...config,
    OTLP_URL,
    service,
    everyMs: EVERY_MS,
    onExport(count, error) {
      spans.inc({ outcome: error === null ? "exported" : "failed" }, count);
      if (error === null || performance.now() - warnedAt < WARN_EVERY_MS) return;
      warnedAt = performance.now();
      log.warn("spans_not_exported", { spans: count, ...describeError(error) });
    },
  });
  return {
    end(record) {
      spans.inc({ outcome: "ended" });
      processor.end(record);
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([processor.shutdown().catch(() => {}), pause(FLUSH_WITHIN_MS)]);
    },
  };
}
