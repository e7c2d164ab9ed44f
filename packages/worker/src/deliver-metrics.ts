import type { Database } from "@earshot/shared/db/database";
import { readQueueFigures } from "@earshot/shared/db/queue-figures";
import { SHORT_SECONDS } from "@earshot/shared/metrics/registry";
import type { EventWatchers } from "@earshot/shared/metrics/watch-events";
import { labelOf, secondsOf } from "@earshot/shared/metrics/watch-events";
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";

/** What the deliverer tells Prometheus: of its deliveries, and, as one of a kind that sees the whole table, of the queue. */
export function createDeliverMetrics(registry: Registry, db: Database): EventWatchers {
  const registers = [registry];
  const deliveries = new Counter({
    name: "earshot_deliveries_total",
    help: "Attempts at deliveries, by what they came to.",
    labelNames: ["outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "earshot_delivery_seconds",
    help: "How long receivers take.",
    buckets: SHORT_SECONDS,
    registers,
  });
  const swept = new Counter({
    name: "earshot_swept_rows_total",
    help: "Rows that a step of the sweep dealt with.",
    labelNames: ["step"],
    registers,
  });
  const failures = new Counter({
    name: "earshot_sweep_failures_total",
    help: "Steps of the sweep that failed.",
    registers,
  });
  measureQueue(registry, db);
  return {
    delivery_attempted({ verdict, latency_ms: latency }) {
      deliveries.inc({ outcome: labelOf(verdict) });
      seconds.observe(secondsOf(latency));
    },
    delivery_not_attempted: () => deliveries.inc({ outcome: "not_attempted" }),
    swept: ({ step, rows }) => swept.inc({ step: labelOf(step) }, typeof rows === "number" ? rows : 0),
    sweep_step_failed: () => failures.inc(),
    sweep_failed: () => failures.inc(),
  };
}

function measureQueue(registry: Registry, db: Database): void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const depth = gauge("earshot_queue_depth", "Jobs that are queued, counted up to 10000.");
  const running = gauge("earshot_jobs_running", "Jobs that run, on any worker.");
  const lost = gauge("earshot_jobs_lost_leases", "Jobs of workers that are silent.");
  const due = gauge("earshot_deliveries_due", "Deliveries whose time has come.");
  const overdue = gauge("earshot_deliveries_oldest_seconds", "How long the oldest of them is due.");
  const up = gauge("earshot_database_up", "1 while the database answers.");
  const age = new Gauge({
    name: "earshot_queue_oldest_seconds",
    help: "Since the submission of the job that waits longest.",
    registers: [registry],
    // One question a scrape for all of these. While the database is away they keep their last value.
    async collect() {
      try {
        const figures = await readQueueFigures(db);
        depth.set(figures.queued);
        running.set(figures.running);
        lost.set(figures.lostLeases);
        due.set(figures.dueDeliveries);
        overdue.set(figures.oldestDueSeconds);
        age.set(figures.oldestSeconds);
        up.set(1);
      } catch {
        up.set(0);
      }
    },
  });
}
