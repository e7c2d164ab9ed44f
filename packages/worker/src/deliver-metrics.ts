import type { Database } from "@earshot/shared/db/database";
import type { QueueFigures } from "@earshot/shared/db/queue-figures";
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
  const ask = sharedQuestion(() => readQueueFigures(db));
  const gauge = (
    name: string,
    help: string,
    valueOf: (figures: QueueFigures | null) => number | undefined,
  ) => {
    const metric = new Gauge({
      name,
      help,
      registers: [registry],
      // While the database is away it keeps its last value.
      async collect() {
        const value = valueOf(await ask());
        if (value !== undefined) metric.set(value);
      },
    });
  };
  gauge("earshot_queue_depth", "Jobs that are queued, counted up to 10000.", (now) => now?.queued);
  gauge(
    "earshot_queue_oldest_seconds",
    "Since the submission of the job that waits longest.",
    (now) => now?.oldestSeconds,
  );
  gauge("earshot_jobs_running", "Jobs that run, on any worker.", (now) => now?.running);
  gauge("earshot_jobs_lost_leases", "Jobs of workers that are silent.", (now) => now?.lostLeases);
  gauge("earshot_deliveries_due", "Deliveries whose time has come.", (now) => now?.dueDeliveries);
  gauge(
    "earshot_deliveries_oldest_seconds",
    "How long the oldest of them is due.",
    (now) => now?.oldestDueSeconds,
  );
  gauge("earshot_database_up", "1 while the database answers.", (now) => (now === null ? 0 : 1));
}

/** Those who ask while an answer is on its way get that one. Null: there was none. */
function sharedQuestion<Answer>(question: () => Promise<Answer>): () => Promise<Answer | null> {
  let asked: Promise<Answer | null> | null = null;
  return () => {
    asked ??= question()
      .catch(() => null)
      .finally(() => {
        asked = null;
      });
    return asked;
  };
}
