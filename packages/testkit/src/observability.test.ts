import { readFile } from "node:fs/promises";
import { Health } from "@earshot/shared/metrics/health";
import { createRegistry } from "@earshot/shared/metrics/registry";
import { expect, test } from "vitest";
import { createApiMetrics } from "../../api/src/metrics.node.ts";
import { createDeliverMetrics } from "../../worker/src/deliver-metrics.ts";
import { measureEngine } from "../../worker/src/engine-metrics.ts";
import { createWorkerMetrics } from "../../worker/src/worker-metrics.ts";

const read = (name: string) =>
  readFile(new URL(`../../../infra/observability/${name}`, import.meta.url), "utf8");

/** Every series that any process tells, in the names that a query uses. */
async function toldNames(): Promise<Set<string>> {
  const registry = createRegistry(new Health());
  const lanes = {
    wanted: 1,
    alive: 1,
    busy: 0,
    waiting: 0,
    rssBytes: 0,
    modelBytes: 0,
    started: 1,
    crashed: 0,
    killed: 0,
    recycled: 0,
    notStarted: 0,
  };
  createWorkerMetrics(registry, { jobs: { list: () => [] }, slots: () => 2 });
  measureEngine(registry, () => ({ device: "cpu", defunct: null, lanes, models: {} }));
  createDeliverMetrics(registry, null as never);
  createApiMetrics(registry);
  const metrics = await registry.getMetricsAsJSON();
  return new Set(
    metrics.flatMap(({ name, type }) =>
      String(type) === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

const namesIn = (query: string) => query.match(/\b(?:earshot|process|nodejs)_[a-z_]+\b(?!["=])/g) ?? [];

test("every metric of the dashboard is told by some process", async () => {
  const told = await toldNames();
  const { panels } = JSON.parse(await read("grafana-dashboard.json")) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  expect(panels.length).toBeGreaterThan(10);
  for (const { title, targets } of panels) {
    const names = targets.flatMap(({ expr }) => namesIn(expr));
    expect(names.length, title).toBeGreaterThan(0);
    for (const name of names) expect(told, title).toContain(name);
  }
});

test("every metric of the alerts is told by some process", async () => {
  const told = await toldNames();
  const rules = [...(await read("alerts.yml")).matchAll(/- alert: (\w+)\n\s+expr: (.+)\n/g)];
  expect(rules.length).toBeGreaterThan(5);
  for (const [, alert, expr = ""] of rules) {
    const names = namesIn(expr);
    expect(names.length, alert).toBeGreaterThan(0);
    for (const name of names) expect(told, alert).toContain(name);
  }
});
