import { fileURLToPath } from "node:url";
import { newResultKey } from "@earshot/shared/crypto/result-keys";
import { newSealKey } from "@earshot/shared/crypto/seal";
import { openDatabase } from "@earshot/shared/db/database";
import { startTestBucket } from "@earshot/testkit/bucket";
import { startTestPostgres } from "@earshot/testkit/postgres";
import type { PostgresOfRun } from "@earshot/testkit/postgres";
import { startTestQueue } from "@earshot/testkit/queue";
import { startIdentityProvider } from "../identity-provider.ts";
import { machineRules } from "../machine-token.ts";
import { CALLBACK, signInRules } from "../sign-in-rules.ts";
import { startPool } from "./connection-pool.ts";
import type { EdgeServices } from "./global-setup.ts";

const MIGRATIONS = fileURLToPath(new URL("../../../../migrations", import.meta.url));

/** Fewer than the requests that a test makes at once: one that keeps its connection is missed. */
const POOLED = 20;

// Told to stop by its parent's end of the channel, however the parent ended.
process.on("SIGINT", () => {});
const parentGone = new Promise((resolve) => process.once("disconnect", resolve));

const postgres = await startTestPostgres(MIGRATIONS);
await trustApi(postgres);
const pool = await startPool({ ...postgres, connections: POOLED });
const queue = await startTestQueue();
const bucket = await startTestBucket();
const identity = await startIdentityProvider([CALLBACK]);
const machines = await startIdentityProvider([]);

const { host, port, password, template } = postgres;
const services: EdgeServices = {
  databaseUrl: `postgres://earshot_api:${password}@127.0.0.1:${pool.port}/${template}`,
  ownerUrl: `postgres://postgres:${password}@${host}:${port}/${template}`,
  queue: { endpoint: queue.endpoint, url: queue.url },
  machines: { issuer: machines.issuer },
  variables: {
    EARSHOT_PUBLIC_URL: "https://api.test",
    EARSHOT_OIDC_ISSUERS: JSON.stringify([signInRules(identity.issuer), machineRules(machines.issuer)]),
    EARSHOT_BOX_DATABASE_URL: `postgres://127.0.0.1:${port}/${template}`,
    EARSHOT_QUEUE_URL: queue.url,
    EARSHOT_QUEUE_ENDPOINT: queue.endpoint,
    EARSHOT_QUEUE_CREDENTIALS: "embedded:embedded",
    EARSHOT_BLOBS: bucket.location,
    EARSHOT_BLOBS_CREDENTIALS: bucket.credentials,
    EARSHOT_SEAL_KEYS: newSealKey("edge"),
    // All tests come from one address; accounts have the limits that they have where nothing is configured.
    EARSHOT_RATE_LIMITS: "auth=100000/60,failed=100000/60",
    EARSHOT_RESULT_KEYS: await newResultKey("edge"),
  },
};
process.send?.(services);

await parentGone;
await Promise.all([pool.stop(), queue.stop(), bucket.stop()]);
await Promise.all([identity[Symbol.asyncDispose](), machines[Symbol.asyncDispose]()]);
await postgres.stop();

/** The pool has welcomed the API's login before Postgres is asked: it would be asked for a password that it can't know. */
async function trustApi({ host, port, password, template }: PostgresOfRun): Promise<void> {
  const { sql, close } = openDatabase({
    url: `postgres://postgres:${password}@${host}:${port}/${template}`,
    name: "owner",
  });
  const [setting] = await sql<{ hba_file: string }[]>`show hba_file`;
  const rules =
    "values ('host all earshot_api 127.0.0.1/32 trust'), ('host all all 127.0.0.1/32 scram-sha-256')";
  await sql.unsafe(`copy (${rules}) to '${setting?.hba_file ?? ""}'`);
  await sql`select pg_reload_conf()`;
  await close();
}
