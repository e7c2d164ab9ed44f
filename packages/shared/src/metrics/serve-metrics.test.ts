import { silentLog } from "../log.ts";
import { parseMetrics } from "@earshot/testkit/metrics";
import { expect, test } from "vitest";
import { openMetrics } from "./open-metrics.ts";
import { watchEvents } from "./watch-events.ts";

const FREE_PORT = { METRICS_HOST: "127.0.0.1", METRICS_PORT: 0 };

async function open() {
  const metrics = await openMetrics(FREE_PORT, silentLog);
  const ask = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${metrics.address.metricsPort}${path}`, { method });
    return { status: response.status, text: await response.text() };
  };
  const states = async () => {
    const answers = await Promise.all([ask("/healthz"), ask("/readyz")]);
    return answers.map(({ status, text }) => [status, JSON.parse(text).state]);
  };
  return { metrics, ask, states, [Symbol.asyncDispose]: () => metrics[Symbol.asyncDispose]() };
}

test("health and readiness follow the state, and what is draining or defunct never becomes ready again", async () => {
  await using opened = await open();
  const { health } = opened.metrics;
  expect(await opened.states()).toEqual([
    [200, "starting"],
    [503, "starting"],
  ]);
  health.hasRoom(true);
  expect(await opened.states()).toEqual([
    [200, "ready"],
    [200, "ready"],
  ]);
  health.hasRoom(false);
  expect(await opened.states()).toEqual([
    [200, "busy"],
    [200, "busy"],
  ]);
  health.drain();
  health.hasRoom(true);
  expect(await opened.states()).toEqual([
    [200, "draining"],
    [503, "draining"],
  ]);
  health.condemn("the golden probe gave other answers");
  health.drain();
  health.hasRoom(true);
  expect(await opened.states()).toEqual([
    [503, "defunct"],
    [503, "defunct"],
  ]);
  expect((await opened.ask("/readyz")).text).toContain("golden probe");
});

test("a parser of the text format reads the metrics, and one state is 1", async () => {
  await using opened = await open();
  const metrics = parseMetrics((await opened.ask("/metrics")).text);
  expect(metrics.names).toContain("process_resident_memory_bytes");
  expect(metrics.value("earshot_process_state", { state: "starting" })).toBe(1);
  expect(metrics.value("earshot_process_state", { state: "ready" })).toBe(0);
});

test("there is nothing else there, and nothing can be sent", async () => {
  await using opened = await open();
  expect((await opened.ask("/")).status).toBe(404);
  expect((await opened.ask("/metrics", "POST")).status).toBe(405);
});

test("without a port nothing listens", async () => {
  await using metrics = await openMetrics({ METRICS_HOST: "127.0.0.1" }, silentLog);
  expect(metrics.address).toEqual({});
});

test("an event is logged and counted, whatever its level", () => {
  const lines: unknown[] = [];
  const at = (...line: unknown[]) => void lines.push(line);
  const counted: unknown[] = [];
  const log = watchEvents({ info: at, warn: at, error: at }, { swept: (fields) => counted.push(fields) });
  log.info("swept", { rows: 3 });
  log.error("swept");
  log.warn("toString", {});
  expect(counted).toEqual([{ rows: 3 }, {}]);
  expect(lines).toHaveLength(3);
});
