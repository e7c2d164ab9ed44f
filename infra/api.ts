import { environment } from "./api-environment.ts";
import { stsCredentials } from "./box-issuer.ts";
import { bucketCredentials } from "./bucket-user.ts";
import { database } from "./database.ts";
import { queueCredentials } from "./queue-user.ts";
import { rateRooms, roomMigrations, waitingRooms } from "./rooms.ts";
import { secretBinding, secretBindings } from "./secrets.ts";
import { settings } from "./settings.ts";
import { shield } from "./shield.ts";

/** The API at the edge. `npm run edge:build` has bundled it, as it is tested: SST's own bundler knows no aliases. */
export const api = new sst.cloudflare.Worker("Api", {
  handler: "packages/api/dist/entry.workers.js",
  domain: settings.domain,
  url: false,
  compatibility: { date: "2026-11-01", flags: ["nodejs_compat", "enable_request_signal"] },
  assets: { directory: "packages/api/public", runWorkerFirst: true },
  placement: settings.placement === undefined ? { mode: "smart" } : { region: settings.placement },
  migrations: roomMigrations,
  environment,
  link: [
    database,
    waitingRooms,
    rateRooms,
    shield,
    ...secretBindings,
    secretBinding("EARSHOT_QUEUE_CREDENTIALS", queueCredentials),
    secretBinding("EARSHOT_BLOBS_CREDENTIALS", bucketCredentials),
    secretBinding("EARSHOT_STS_CREDENTIALS", stsCredentials),
  ],
  transform: { worker: { observability: { enabled: true, headSamplingRate: 1 } } },
});
