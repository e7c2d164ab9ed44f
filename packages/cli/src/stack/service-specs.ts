import { fileURLToPath, pathToFileURL } from "node:url";
import type { ServiceSpec } from "./service-process.ts";
import type { StackConfig } from "./stack-config.ts";

// Together they leave Postgres its part of the ten seconds that a stop may take.
const STOP_WITHIN_MS = { api: 2_000, worker: 7_000, deliver: 7_000, queue: 500 };

export function queueSpec(port: number): ServiceSpec {
  return {
    name: "queue",
    main: fileURLToPath(new URL("./queue.main.ts", import.meta.url)),
    args: ["--port", String(port)],
    env: {},
    stopWithinMs: STOP_WITHIN_MS.queue,
  };
}

export interface StackSpecs {
  api: ServiceSpec;
  worker: ServiceSpec;
  deliver: ServiceSpec;
}

/** Each process is told what it needs and no more; secrets by the names of their files. */
export function serviceSpecs(config: StackConfig, queue: { url: string; endpoint: string }): StackSpecs {
  const { home } = config;
  const everywhere = {
    ...config.machine,
    EARSHOT_BLOBS: pathToFileURL(home.blobs).href,
  };
  const toWebhooks = { EARSHOT_ALLOW_LOOPBACK: config.loopback.webhooks };
  const bell = {
    EARSHOT_QUEUE_URL: queue.url,
    EARSHOT_QUEUE_ENDPOINT: queue.endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const sealKeys = { EARSHOT_SEAL_KEYS_FILE: home.sealKeys };
  const api = {
    ...everywhere,
    ...config.metrics.api,
    ...bell,
    ...sealKeys,
    ...toWebhooks,
    ...config.api,
    EARSHOT_DATABASE_URL_FILE: home.databaseUrl("api"),
    EARSHOT_URL_KEY_FILE: home.urlKey,
    EARSHOT_RESULT_KEYS_FILE: home.resultKeys,
    EARSHOT_PORT: String(config.port),
    EARSHOT_PUBLIC_URL: config.publicUrl,
  };
  const worker = {
    ...everywhere,
    ...config.metrics.worker,
    ...bell,
    ...config.worker,
    EARSHOT_HOME: home.directory,
    EARSHOT_ALLOW_LOOPBACK: config.loopback.inputs,
    EARSHOT_DATABASE_URL_FILE: home.databaseUrl("worker"),
    // Where audio passes through, the C library would else keep gaps of what is long free.
    MALLOC_MMAP_THRESHOLD_: "65536",
    MALLOC_TRIM_THRESHOLD_: "131072",
    EARSHOT_RESULT_SEAL_KEY_FILE: home.resultSealKey,
  };
  const deliver = {
    ...everywhere,
    ...config.metrics.deliver,
    ...sealKeys,
    ...toWebhooks,
    EARSHOT_DATABASE_URL_FILE: home.databaseUrl("deliver"),
    EARSHOT_AUDIT_KEY_FILE: home.auditKey,
    EARSHOT_AUDIT_HEAD_FILE: home.auditHead,
  };
  return {
    api: { name: "api", main: mainOf("@earshot/api/entry.node"), env: api, stopWithinMs: STOP_WITHIN_MS.api },
    worker: {
      name: "worker",
      main: mainOf("@earshot/worker/analyze.main"),
      env: worker,
      stopWithinMs: STOP_WITHIN_MS.worker,
    },
    deliver: {
      name: "deliver",
      main: mainOf("@earshot/worker/deliver.main"),
      env: deliver,
      stopWithinMs: STOP_WITHIN_MS.deliver,
    },
  };
}

function mainOf(module: string): string {
  return fileURLToPath(import.meta.resolve(module));
}
