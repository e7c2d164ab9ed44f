import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Health } from "./health.ts";
import { HEALTH_STATES } from "./health.ts";

/** Seconds that a request or a statement takes. */
export const SHORT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds that a job takes. */
export const LONG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400];

/** A registry of this process alone, with what Node tells of itself and the state of `health`. */
export function createRegistry(health: Health): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const state = new Gauge({
    name: "earshot_process_state",
    help: "1 for the state that the process is in.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      for (const name of HEALTH_STATES) state.set({ state: name }, name === health.state ? 1 : 0);
    },
  });
  return registry;
}
