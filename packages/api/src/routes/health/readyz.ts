import type { Handler } from "hono";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";

const PATIENCE_MS = 3_000;

/** GET /readyz: whether requests can be served: the database is there and has the migrations that this code needs. */
export function readyz({ readiness }: Pick<Deps, "readiness">): Handler<AppEnv> {
  return async function readyz(c) {
    const { database, migrations } = await readiness(AbortSignal.timeout(PATIENCE_MS));
    const isReady = database === "up" && migrations === "current";
    return c.json({ status: isReady ? "ready" : "not_ready", database, migrations }, isReady ? 200 : 503);
  };
}
