import type { Env } from "@earshot/shared/config/env";
import type { WaitingRooms } from "./watch-jobs.workers.ts";

/** The bindings that wrangler.jsonc names, beside variables and secrets `EARSHOT_…`. */
export interface EdgeEnv {
  HYPERDRIVE: { connectionString: string };
  WAITING_ROOMS: WaitingRooms;
}

/** Variables and secrets are bindings, too: texts among the objects. */
export function variablesOf(env: EdgeEnv): Env {
  return env as unknown as Env;
}
