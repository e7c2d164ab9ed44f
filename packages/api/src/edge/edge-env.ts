import type { Env } from "@earshot/shared/config/env";
import type { RateRooms } from "./room-limiter.workers.ts";
import type { WaitingRooms } from "./watch-jobs.workers.ts";

/** The `ratelimits` binding: about so many a minute in each data centre, at next to no cost. */
export interface Shield {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** The bindings that wrangler.jsonc names, beside variables and secrets `EARSHOT_…`. */
export interface EdgeEnv {
  HYPERDRIVE: { connectionString: string };
  WAITING_ROOMS: WaitingRooms;
  RATE_ROOMS: RateRooms;
  /** The files of public/. */
  ASSETS: { fetch(url: string): Promise<Response> };
  /** Absent where no shield is configured. */
  SHIELD?: Shield;
}

/** Variables and secrets are bindings, too: texts among the objects. */
export function variablesOf(env: EdgeEnv): Env {
  return env as unknown as Env;
}
