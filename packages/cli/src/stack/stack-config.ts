import { resolve } from "node:path";
import type { Env } from "@earshot/shared/config/env";
import { DEFAULT_HOME } from "@earshot/shared/config/home";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import * as z from "zod";
import { homeAt } from "./home.ts";
import type { Home } from "./home.ts";

export const DEFAULT_PORT = 8787;

type Variables = Readonly<Record<string, string>>;

export interface StackConfig {
  home: Home;
  port: number;
  /** Where clients find the API. */
  publicUrl: string;
  /** EARSHOT_ALLOW_LOOPBACK of those who fetch inputs, and of those who send webhooks. */
  loopback: { inputs: string; webhooks: string };
  /** Where weights are looked for, in this order. */
  models: { modelsDir: string | undefined; cacheDir: string };
  /** What every process needs to find its way on this machine. */
  machine: Variables;
  /** EARSHOT_METRICS_PORT of each process: the one that was named is the API's, the next ones the others'. */
  metrics: { api: Variables; worker: Variables; deliver: Variables };
  /** What the API is told as it is; it checks that itself. */
  api: Variables;
  /** What the worker is told as it is; it checks that itself. */
  worker: Variables;
}

// Where programs and certificates are found, where scratch files go, and where spans are sent. No secret is among them.
const OF_THE_MACHINE = [
  "PATH",
  "LANG",
  "TMPDIR",
  "LD_LIBRARY_PATH",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "EARSHOT_OTLP_URL",
  "EARSHOT_OTLP_HEADERS_FILE",
];
const OF_THE_API = [
  "RATE_LIMITS",
  "CORS_ORIGINS",
  "TRUSTED_PROXIES",
  "PASSWORDS",
  "TOKEN_ALGORITHM",
  "OIDC_ISSUERS_FILE",
];
const OF_THE_WORKER = [
  "LEASE_SECONDS",
  "LANES",
  "LANE_THREADS",
  "DEVICE",
  "DEVICE_FALLBACK",
  "BATCH",
  "BATCH_DELAY_MS",
  "LANE_MEMORY_MB",
  "MODEL_MEMORY_MB",
  "MAX_AUDIO_SECONDS",
  "ACCOUNT_JOBS",
  "MODELS_MANIFEST",
  "LOG_LEVEL",
  "ENV_FILE",
];

/** @throws ConfigError */
export function readStackConfig(env: Env): StackConfig {
  const { HOME, PORT, PUBLIC_URL, MODELS_DIR, ALLOW_LOOPBACK, METRICS_PORT } = parseEnv(env, {
    HOME: z.string().default(DEFAULT_HOME),
    PORT: wholeNumber(1, 65_535).default(DEFAULT_PORT),
    PUBLIC_URL: z.url().optional(),
    MODELS_DIR: z.string().optional(),
    ALLOW_LOOPBACK: loopback,
    METRICS_PORT: wholeNumber(1, 65_533).optional(),
  });
  const workerNames = OF_THE_WORKER.map((name) => `EARSHOT_${name}`);
  const home = homeAt(HOME);
  const modelsDir = MODELS_DIR === undefined ? undefined : resolve(MODELS_DIR);
  return {
    home,
    port: PORT,
    publicUrl: PUBLIC_URL ?? `http://127.0.0.1:${PORT}`,
    loopback: { inputs: allowance(ALLOW_LOOPBACK), webhooks: allowance(ALLOW_LOOPBACK) },
    models: { modelsDir, cacheDir: home.models },
    machine: pick(env, OF_THE_MACHINE),
    api: {
      // On one's own machine there may be no provider to sign in at.
      EARSHOT_PASSWORDS: "1",
      ...pick(
        env,
        OF_THE_API.map((name) => `EARSHOT_${name}`),
      ),
    },
    metrics: {
      api: metricsAt(METRICS_PORT, 0),
      worker: metricsAt(METRICS_PORT, 1),
      deliver: metricsAt(METRICS_PORT, 2),
    },
    worker: {
      ...pick(env, workerNames),
      ...(modelsDir === undefined ? {} : { EARSHOT_MODELS_DIR: modelsDir }),
    },
  };
}

function metricsAt(port: number | undefined, offset: number): Variables {
  return port === undefined ? {} : { EARSHOT_METRICS_PORT: String(port + offset) };
}

/** Unless more is allowed already, webhooks may reach this one port of our own. */
export function openLoopbackPort(config: StackConfig, port: number): StackConfig {
  if (config.loopback.webhooks !== CLOSED) return config;
  return { ...config, loopback: { ...config.loopback, webhooks: String(port) } };
}

const CLOSED = "0";

function allowance(allowed: LoopbackAllowance): string {
  if (typeof allowed === "object") return String(allowed.port);
  return allowed ? "1" : CLOSED;
}

function pick(env: Env, names: readonly string[]): Variables {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
