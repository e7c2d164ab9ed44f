import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { EngineFigures, LaneFigures, ModelFigures } from "./inference/observer.ts";

/** Why lanes ended, as the engine counts it. */
const RESTARTS = {
  crashed: "crashed",
  killed: "killed",
  recycled: "recycled",
  not_started: "notStarted",
} as const;

/** What the engine tells Prometheus: asked of it at each scrape, nothing is counted twice. */
export function measureEngine(registry: Registry, observe: () => EngineFigures): void {
  const registers = [registry];
  const restarts = new Counter({
    name: "earshot_lane_restarts_total",
    help: "Inference lanes that were replaced, by why.",
    labelNames: ["reason"],
    registers,
    collect() {
      const { lanes } = observe();
      restarts.reset();
      for (const [reason, figure] of Object.entries(RESTARTS)) restarts.inc({ reason }, lanes[figure]);
    },
  });
  const lanes = new Gauge({
    name: "earshot_lanes",
    help: "Inference lanes: to be there, there, at work; and batches that wait for one.",
    labelNames: ["state"],
    registers,
    collect() {
      const figures = observe().lanes;
      for (const state of ["wanted", "alive", "busy", "waiting"] as const satisfies (keyof LaneFigures)[])
        lanes.set({ state }, figures[state]);
    },
  });
  const memory = new Gauge({
    name: "earshot_lane_memory_bytes",
    help: "Memory of the lanes at their last answers, and what of it their models are, by their files.",
    labelNames: ["of"],
    registers,
    collect() {
      const { rssBytes, modelBytes } = observe().lanes;
      memory.set({ of: "lanes" }, rssBytes);
      memory.set({ of: "models" }, modelBytes);
    },
  });
  const perModel = (name: string, help: string, figure: keyof ModelFigures) => {
    const counter = new Counter({
      name,
      help,
      labelNames: ["model"],
      registers,
      collect() {
        counter.reset();
        for (const [model, figures] of Object.entries(observe().models))
          counter.inc({ model }, figures[figure]);
      },
    });
  };
  perModel("earshot_batches_total", "Runs of a model.", "batches");
  perModel("earshot_batch_rows_total", "Rows in those runs.", "rows");
  perModel("earshot_batch_failures_total", "Runs that gave no answer.", "failures");
  perModel("earshot_batch_seconds_total", "Time that lanes spent on them.", "seconds");
  const fill = new Gauge({
    name: "earshot_batch_fill",
    help: "How full the batches of a model were since the process began, from 0 to 1.",
    labelNames: ["model"],
    registers,
    collect() {
      for (const [model, { rows, capacity }] of Object.entries(observe().models))
        fill.set({ model }, capacity === 0 ? 0 : rows / capacity);
    },
  });
  const waiting = new Gauge({
    name: "earshot_batch_rows_waiting",
    help: "Calls that wait for a lane: what was decoded ahead of it.",
    labelNames: ["model"],
    registers,
    collect() {
      for (const [model, figures] of Object.entries(observe().models))
        waiting.set({ model }, figures.waiting);
    },
  });
}
