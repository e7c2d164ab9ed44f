import { openDatabase } from "@earshot/shared/db/database";
import type { Database } from "@earshot/shared/db/database";
import type { EdgeEnv } from "./edge-env.ts";

/**
 * A client of its own for whoever asks: no request may use another one's socket. Hyperdrive keeps the connections to
 * Postgres. Nobody closes it: an idle socket goes by itself, and all go with the request.
 */
export function openEdgeDatabase({ HYPERDRIVE }: Pick<EdgeEnv, "HYPERDRIVE">): Database {
  const { db } = openDatabase({
    url: HYPERDRIVE.connectionString,
    // A request that held one connection while it waits for a second could wait for ever.
    max: 1,
    idleSeconds: 2,
    trustTransport: true,
    name: "earshot edge",
  });
  return db;
}
