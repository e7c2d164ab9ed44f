import type { Scope } from "@earshot/shared/domain/scopes";
import type { App } from "./env.ts";
import type { Authorize } from "./middleware/authorize.ts";

/** A route as the app has it: `/v1/jobs/:id`, and what it asks of its caller. */
export interface AccountRoute {
  method: string;
  path: string;
  /** Of its `authorize`; null for a route that has none. */
  scope: Scope | null;
}

/** Every route under /v1, each once, but for blobs: those are opened by a signature. */
export function accountRoutes(app: App): AccountRoute[] {
  const routes = new Map<string, AccountRoute>();
  for (const { method, path, handler } of app.routes) {
    if (method === "ALL" || !path.startsWith("/v1/") || path.startsWith("/v1/blobs/")) continue;
    const name = `${method} ${path}`;
    const scope = (handler as Partial<Authorize>).requiredScope ?? routes.get(name)?.scope ?? null;
    routes.set(name, { method, path, scope });
  }
  return [...routes.values()];
}
