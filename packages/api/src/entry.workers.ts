import { openS3Blobs } from "@earshot/shared/blobs/s3-blobs";
import { openBucket } from "@earshot/shared/blobs/s3-bucket";
import { createS3UploadSigner } from "@earshot/shared/blobs/s3-upload-signer";
import { findJobStory } from "@earshot/shared/db/job-stories";
import { createLog } from "@earshot/shared/log";
import { createFetchBell } from "@earshot/shared/queue/fetch-bell";
import type { ExecutionContext } from "hono";
import { createApp } from "./app.ts";
import type { Deps } from "./deps.ts";
import { clientIpAtEdge } from "./edge/client-ip.workers.ts";
import { readEdgeConfig } from "./edge/edge-config.ts";
import type { EdgeConfig } from "./edge/edge-config.ts";
import { openEdgeDatabase } from "./edge/edge-database.ts";
import { variablesOf } from "./edge/edge-env.ts";
import type { EdgeEnv } from "./edge/edge-env.ts";
import { shield } from "./edge/shield.ts";
import { openProvider } from "./oidc/provider.ts";
import type { Provider } from "./oidc/provider.ts";
import { roomLimiter } from "./edge/room-limiter.workers.ts";
import { readinessAtEdge } from "./edge/readiness.workers.ts";
import type { ModelBody } from "./routes/models/model-body.ts";
import { watchJobsInRooms } from "./edge/watch-jobs.workers.ts";

/** @public wrangler.jsonc names it. */
export { RateRoom } from "./edge/rate-room.ts";
/** @public wrangler.jsonc names it. */
export { WaitingRoom } from "./edge/waiting-room.ts";

// Its lines are objects for Workers Logs; what the runtime makes of `console.error` is not ours to say.
const log = createLog("api", (line) => console.log(line));

/** @public The runtime asks it. */
export default {
  async fetch(request: Request, env: EdgeEnv, context: ExecutionContext): Promise<Response> {
    const refusal = await shield(request, env.SHIELD);
    if (refusal !== null) return refusal;
    return createApp(depsOf(env)).fetch(request, env, context);
  },
};

/** Of public/; the host is nobody's. */
const asset = (env: EdgeEnv, name: string) => env.ASSETS.fetch(`https://assets.invalid/${name}`);

/** Made anew for each request: a socket of one may not be used by another. */
function depsOf(env: EdgeEnv): Deps {
  const { config, providers } = settingsOf(env);
  const db = openEdgeDatabase(env);
  const bucket = openBucket(config.blobs, config.blobsCredentials);
  return {
    db,
    bell: createFetchBell(config.queue, config.queueCredentials),
    blobs: openS3Blobs(bucket),
    uploadSigner: createS3UploadSigner(bucket),
    putBlob: null,
    sealKeys: config.sealKeys,
    tokens: config.tokens,
    providers,
    passwords: null,
    boxes: config.boxes,
    watchJobs: watchJobsInRooms({
      rooms: env.WAITING_ROOMS,
      look: ({ accountId, jobId }) => findJobStory(db, accountId, jobId),
      log,
    }),
    resultKeys: config.resultKeys,
    clientIp: clientIpAtEdge,
    rateLimiter: roomLimiter(env.RATE_ROOMS),
    rateLimits: config.rateLimits,
    corsOrigins: config.corsOrigins,
    readiness: readinessAtEdge(db),
    document: async () => objectOf(await asset(env, "openapi.json")),
    docsPage: async () => (await asset(env, "docs.page")).text(),
    models: async () => modelsOf(await asset(env, "models.json")),
    log,
    clock: () => new Date(),
    allowLoopback: config.allowLoopback,
  };
}

interface Settings {
  config: EdgeConfig;
  /** They remember keys from request to request. */
  providers: Provider[];
}

const settings = new WeakMap<EdgeEnv, Settings>();

/** Read once for each set of bindings, which is once in the life of an isolate. */
function settingsOf(env: EdgeEnv): Settings {
  const known = settings.get(env);
  if (known !== undefined) return known;
  const config = readEdgeConfig(variablesOf(env));
  const read = { config, providers: config.issuers.map((issuer) => openProvider(issuer)) };
  settings.set(env, read);
  return read;
}

/** It is ours, and a test holds it against the manifest. */
async function modelsOf(answer: Response): Promise<ModelBody[]> {
  return (await answer.json()) as ModelBody[];
}

async function objectOf(answer: Response): Promise<object> {
  return (await answer.json()) as object;
}
