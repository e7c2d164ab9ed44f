import { labelOf, secondsOf } from "@earshot/shared/metrics/watch-events";
import type { EventWatchers } from "@earshot/shared/metrics/watch-events";
import type { EndSpan } from "@earshot/shared/tracing/span-record";
import { spanOf } from "@earshot/shared/tracing/span-record";

/** A span of each attempt at a webhook, from its wide event. */
export function traceDeliveries(end: EndSpan): EventWatchers {
  return {
    delivery_attempted(fields) {
      const span = spanOf(fields);
      if (span === null) return;
      const seconds = secondsOf(fields["latency_ms"]);
      const status = fields["status_code"];
      const hasArrived = fields["verdict"] === "succeeded";
      end({
        name: "webhook",
        kind: "client",
        span,
        startedAt: new Date(Date.now() - seconds * 1_000),
        seconds,
        error: hasArrived ? null : labelOf(fields["error"] ?? status),
        attributes: {
          "http.request.method": "POST",
          "http.response.status_code": typeof status === "number" ? status : null,
          "earshot.delivery_id": labelOf(fields["delivery_id"]),
          "earshot.event_id": labelOf(fields["event_id"]),
          "earshot.attempt": Number(fields["attempt"]),
        },
      });
    },
  };
}
