import { once } from "node:events";
import type { Socket } from "node:net";
import { CONNECT_WITHIN_SECONDS, openDatabase } from "@earshot/shared/db/database";
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
    carrier: connectedSocket,
    name: "earshot edge",
  });
  return db;
}

/**
 * The driver's own socket for Workers throws into the void when it is closed while it reads; the runtime's `node:net`
 * does not. It is loaded here: a Worker's start pays for what its modules import.
 */
export async function connectedSocket({ host, port }: { host: string[]; port: number[] }): Promise<Socket> {
  const { connect } = await import("node:net");
  const socket = connect({ host: host[0] ?? "", port: port[0] ?? 5432 });
  try {
    // The driver counts its own patience only from here on.
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_WITHIN_SECONDS * 1000) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
