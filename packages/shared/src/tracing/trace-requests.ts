import type { EventWatchers } from "../metrics/watch-events.ts";
import { labelOf, secondsOf } from "../metrics/watch-events.ts";
import type { EndSpan } from "./span-record.ts";
import { spanOf } from "./span-record.ts";

const FIRST_SERVER_ERROR = 500;

/** A span of each request that the API answered, from its wide event. The attributes are those of OpenTelemetry's HTTP conventions. */
export function traceRequests(end: EndSpan): EventWatchers {
  return {
    request(fields) {
      const span = spanOf(fields);
      if (span === null) return;
      const seconds = secondsOf(fields["duration_ms"]);
      const [method, route] = [labelOf(fields["method"]), labelOf(fields["route"])];
      const status = Number(fields["status"]);
      end({
        name: `${method} ${route}`,
        kind: "server",
        span,
        startedAt: new Date(Date.now() - seconds * 1_000),
        seconds,
        error: status >= FIRST_SERVER_ERROR ? String(status) : null,
        attributes: {
          "http.request.method": method,
          "http.route": route,
          "http.response.status_code": status,
          "earshot.request_id": labelOf(fields["request_id"]),
        },
      });
    },
  };
}
