import { startCollector } from "@earshot/testkit/collector";
import { until } from "@earshot/testkit/until";
import { Registry } from "prom-client";
import { expect, test, vi } from "vitest";
import { beginSpan } from "../crypto/trace.ts";
import { silentLog } from "../log.ts";
import { openTracing } from "./open-tracing.ts";
import type { SpanRecord } from "./span-record.ts";
import { childOf } from "./span-record.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function record(more: Partial<SpanRecord> = {}): SpanRecord {
  return {
    name: "job",
    kind: "consumer",
    span: beginSpan(PARENT),
    startedAt: new Date("2026-11-25T20:00:00.250Z"),
    seconds: 1.5,
    error: null,
    attributes: { "earshot.attempt": 1, "earshot.tasks": ["a", "b"], "earshot.device": null },
    ...more,
  };
}

async function open(OTLP_URL: string, log = silentLog) {
  const registry = new Registry();
  const tracing = await openTracing({ OTLP_URL }, { service: "earshot-test", registry, log });
  const count = async (outcome: string) => {
    const { values } = (await registry.getSingleMetric("earshot_spans_total")?.get()) ?? { values: [] };
    return values.find(({ labels }) => labels["outcome"] === outcome)?.value;
  };
  return { tracing, count };
}

test("spans come to the collector as OTLP, with the ids, times and faults that they had", async () => {
  await using collector = await startCollector();
  const { tracing, count } = await open(collector.url);
  const parent = record();
  const child = record({
    name: "decode",
    kind: "internal",
    span: childOf(parent.span),
    error: "decode_failed",
  });
  tracing.end(parent);
  tracing.end(child);
  await tracing[Symbol.asyncDispose]();
  expect(collector.refused).toEqual([]);
  expect(collector.spans).toMatchObject([
    {
      service: "earshot-test",
      name: "job",
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: parent.span.spanId,
      parentSpanId: "b7ad6b7169203331",
      kind: 5,
      startTimeUnixNano: "1795636800250000000",
      endTimeUnixNano: "1795636801750000000",
      status: { code: 0 },
    },
    { name: "decode", parentSpanId: parent.span.spanId, status: { code: 2, message: "decode_failed" } },
  ]);
  expect(collector.spans[0]?.attributes.map(({ key }) => key)).toEqual(["earshot.attempt", "earshot.tasks"]);
  expect(await count("exported")).toBe(2);
});

test("a trace that its beginner does not want is not sent", async () => {
  await using collector = await startCollector();
  const { tracing } = await open(collector.url);
  tracing.end(record({ span: beginSpan(PARENT.replace(/01$/, "00")) }));
  tracing.end(record());
  await tracing[Symbol.asyncDispose]();
  expect(collector.spans).toHaveLength(1);
});

test("while the collector is slow so many spans wait, and the rest is dropped", async () => {
  await using collector = await startCollector();
  collector.hang();
  const { tracing, count } = await open(collector.url);
  for (let number = 0; number < 10_000; number++) tracing.end(record());
  collector.goOn();
  await tracing[Symbol.asyncDispose]();
  expect(await count("ended")).toBe(10_000);
  expect(collector.spans.length).toBeGreaterThanOrEqual(2_048);
  expect(collector.spans.length).toBeLessThanOrEqual(2_048 + 512);
});

test("a collector that hangs keeps no process from its end", async () => {
  await using collector = await startCollector();
  collector.hang();
  const { tracing } = await open(collector.url);
  for (let number = 0; number < 1_000; number++) tracing.end(record());
  const started = performance.now();
  await tracing[Symbol.asyncDispose]();
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(collector.spans).toEqual([]);
  collector.goOn();
});

test("a collector that is away is told once in the log", async () => {
  const first = await startCollector();
  const { port } = new URL(first.url);
  await first[Symbol.asyncDispose]();
  const warn = vi.fn();
  const { tracing, count } = await open(`http://127.0.0.1:${port}/v1/traces`, { ...silentLog, warn });
  tracing.end(record());
  await until(async () => (await count("failed")) === 1, {
    timeoutMs: 20_000,
    describe: "the export to fail",
  });
  expect(warn).toHaveBeenCalledExactlyOnceWith("spans_not_exported", expect.objectContaining({ spans: 1 }));
  await tracing[Symbol.asyncDispose]();
});

test("without an address nothing is counted, loaded or sent", async () => {
  const registry = new Registry();
  const tracing = await openTracing({}, { service: "earshot-test", registry, log: silentLog });
  tracing.end(record());
  await tracing[Symbol.asyncDispose]();
  expect(await registry.metrics()).toBe("\n");
});
