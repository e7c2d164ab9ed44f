import { SHORT_SECONDS } from "@earshot/shared/metrics/registry";
import type { EventWatchers } from "@earshot/shared/metrics/watch-events";
import { labelOf, secondsOf } from "@earshot/shared/metrics/watch-events";
import { Counter, Histogram } from "prom-client";
import type { Registry } from "prom-client";

/** What the API on Node tells Prometheus, from the wide event of each request. Routes are patterns: no id becomes a label. */
export function createApiMetrics(registry: Registry): EventWatchers {
  const registers = [registry];
  const requests = new Counter({
    name: "earshot_http_requests_total",
    help: "Requests that were answered.",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const seconds = new Histogram({
    name: "earshot_http_request_seconds",
    help: "Until the answer; a long poll takes as long as it waits.",
    labelNames: ["method", "route"],
    buckets: SHORT_SECONDS,
    registers,
  });
  const bells = new Counter({
    name: "earshot_bell_failures_total",
    help: "Jobs that the queue could not be told of. They are taken from the table, later.",
    registers,
  });
  return {
    request(fields) {
      const [method, route] = [methodOf(fields["method"]), labelOf(fields["route"])];
      requests.inc({ method, route, status: labelOf(fields["status"]) });
      seconds.observe({ method, route }, secondsOf(fields["duration_ms"]));
    },
    bell_failed: () => bells.inc(),
  };
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Whoever calls chooses the method: what isn't known becomes one label, not one each. */
function methodOf(field: unknown): string {
  const method = labelOf(field);
  return METHODS.includes(method) ? method : "other";
}
