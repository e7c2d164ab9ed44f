import type { Handler } from "hono";
import type { AppEnv } from "../../env.ts";

/** GET /healthz: this process answers. It asks nobody else, so a database that is away restarts nothing. */
export function healthz(): Handler<AppEnv> {
  return function healthz(c) {
    return c.json({ status: "ready" });
  };
}
