import type { MiddlewareHandler } from "hono";
import type { App, AppEnv } from "../env.ts";
import { toPointer } from "../field-errors.ts";
import { RefusedRequest } from "../problem.ts";
import { routeOf } from "./request-event.ts";

/** Refuses query fields of a route that has none. Where a route has some, its own schema refuses the others. */
export function knownQuery(app: App): MiddlewareHandler<AppEnv> {
  // Read at the first request: routes are added after what they are reached through.
  let withQuery: Set<string> | undefined;
  return async function knownQuery(c, next) {
    const fields = Object.keys(c.req.queries());
    if (fields.length > 0) {
      withQuery ??= routesWithQuery(app);
      const route = routeOf(c);
      if (route !== undefined && !withQuery.has(`${route.method} ${route.path}`)) throw unknownFields(fields);
    }
    await next();
  };
}

function routesWithQuery(app: App): Set<string> {
  return new Set(
    app.openAPIRegistry.definitions.flatMap((definition) =>
      definition.type === "route" && definition.route.request?.query
        ? [
            `${definition.route.method.toUpperCase()} ${definition.route.path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
          ]
        : [],
    ),
  );
}

function unknownFields(fields: readonly string[]): RefusedRequest {
  const faults = fields.map((field) => ({
    pointer: `/query${toPointer([field])}`,
    code: "unrecognized_keys",
    detail: "This field is not known here.",
  }));
  return new RefusedRequest("validation_failed", faults);
}
