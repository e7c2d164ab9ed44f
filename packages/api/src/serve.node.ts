import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { App } from "./env.ts";

export interface RunningServer {
  port: number;
  /** Takes no more connections, lets requests finish for `withinMs`, then cuts what is left. */
  stop(options: { withinMs: number }): Promise<void>;
}

/** A slow line needs this long for the largest upload. A caller that sends no headers is cut after a minute. */
const REQUEST_TIMEOUT_MS = 3_600_000;

/** @throws Error with code `EADDRINUSE` when the port is taken. */
export async function serve(app: App, address: { host: string; port: number }): Promise<RunningServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  server.listen(address.port, address.host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, stop: (options) => stop(server, options) };
}

async function stop(server: Server, { withinMs }: { withinMs: number }): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), withinMs);
  await closed;
  clearTimeout(cut);
}
