import type { Registry } from "prom-client";
import type { Log } from "../log.ts";
import { Health } from "./health.ts";
import { createRegistry } from "./registry.ts";
import type { MetricsServer } from "./serve-metrics.ts";
import { serveMetrics } from "./serve-metrics.ts";

export interface OpenMetrics extends AsyncDisposable {
  registry: Registry;
  health: Health;
  /** What the parent is told of it; nothing when it isn't served. */
  address: { metricsPort?: number };
}

/** The metrics and the state of this process, served when a port is configured. */
export async function openMetrics(
  config: { METRICS_HOST: string; METRICS_PORT?: number | undefined },
  log: Log,
): Promise<OpenMetrics> {
  const health = new Health();
  const registry = createRegistry(health);
  const { METRICS_HOST: host, METRICS_PORT: port } = config;
  let server: MetricsServer | null = null;
  if (port !== undefined) {
    server = await serveMetrics({ host, port, registry, health, log });
    log.info("metrics_listening", { host, port: server.port });
  }
  return {
    registry,
    health,
    address: server === null ? {} : { metricsPort: server.port },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
    },
  };
}
