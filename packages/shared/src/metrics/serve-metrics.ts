import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Log } from "../log.ts";
import { describeError } from "../log.ts";
import type { Health } from "./health.ts";

export interface MetricsOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  registry: Registry;
  health: Health;
  log: Log;
}

export interface MetricsServer extends AsyncDisposable {
  port: number;
}

/** Nobody reads slower than this, and nobody keeps a drain waiting. */
const PATIENCE_MS = 10_000;

/**
 * `/metrics`, `/healthz` (200 unless defunct) and `/readyz` (200 while work is done), apart from everything that clients
 * reach. It reads nothing of a request but its path.
 */
export async function serveMetrics(options: MetricsOptions): Promise<MetricsServer> {
  const { host, port, log } = options;
  const server = createServer({ requestTimeout: PATIENCE_MS }, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      log.warn("metrics_failed", describeError(error));
      respond(response, 500, "text/plain", "");
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  // A scraper's kept-alive connection doesn't hold the process.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { registry, health }: MetricsOptions,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return respond(response, 405, "text/plain", "");
  const state = JSON.stringify({ state: health.state, ...(health.reason && { reason: health.reason }) });
  switch (request.url) {
    case "/metrics":
      return respond(response, 200, registry.contentType, await registry.metrics());
    case "/healthz":
      return respond(response, health.state === "defunct" ? 503 : 200, "application/json", state);
    case "/readyz":
      return respond(response, health.isReady ? 200 : 503, "application/json", state);
    default:
      return respond(response, 404, "text/plain", "");
  }
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
