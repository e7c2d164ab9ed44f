import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { openDatabase } from "@earshot/shared/db/database";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import type { TestBucket } from "../bucket.ts";
import { startTestBucket } from "../bucket.ts";
import type { TestQueue } from "../queue.ts";
import { startTestQueue } from "../queue.ts";
import type { Receiver } from "../receiver.ts";
import { startReceiver } from "../receiver.ts";
import type { RestartablePostgres } from "../restartable-postgres.ts";
import { startRestartablePostgres } from "../restartable-postgres.ts";
import type { TcpProxy } from "../tcp-proxy.ts";
import { startTcpProxy } from "../tcp-proxy.ts";
import type { Victim } from "./victim.ts";
import { startVictim } from "./victim.ts";

const MAINS = {
  api: fileURLToPath(new URL("../../../api/src/entry.node.ts", import.meta.url)),
  worker: fileURLToPath(new URL("../../../worker/src/analyze.main.ts", import.meta.url)),
  deliver: fileURLToPath(new URL("../../../worker/src/deliver.main.ts", import.meta.url)),
};

/** The whole product as processes, with a bad line between each of them and everything that it needs. */
export interface ChaosStack extends AsyncDisposable {
  api: Victim;
  workers: readonly [Victim, Victim];
  deliver: Victim;
  victims: readonly Victim[];
  postgres: RestartablePostgres;
  queue: TestQueue;
  bucket: TestBucket;
  receiver: Receiver;
  /** Between a process and Postgres, by the process's name. */
  databaseLines: ReadonlyMap<string, TcpProxy>;
  blobLine: TcpProxy;
  bell: JobQueue;
  /** As the owner of the tables, past every line. */
  sql: OpenDatabase["sql"];
  accountId: string;
  apiKey: string;
}

export interface ChaosStackOptions {
  leaseSeconds: number;
  /** What every process is told besides. */
  env?: Readonly<Record<string, string>>;
}

export async function startChaosStack({ leaseSeconds, env = {} }: ChaosStackOptions): Promise<ChaosStack> {
  await using parts = new AsyncDisposableStack();
  const postgres = parts.use(await startRestartablePostgres());
  const queue = parts.use(await startTestQueue({ visibilityTimeoutSeconds: 5 }));
  const bucket = parts.use(await startTestBucket());
  const receiver = parts.use(await startReceiver());
  const blobLine = parts.use(await startTcpProxy({ host: "127.0.0.1", port: bucket.port }));
  const scratch = await mkdtemp(join(tmpdir(), "earshot-chaos-"));
  parts.defer(() => rm(scratch, { recursive: true, force: true }));
  const owner = openDatabase({ url: postgres.urls.owner, name: "chaos", max: 2 });
  parts.defer(() => owner.close());
  const bell = new JobQueue(queue);
  parts.defer(() => bell.close());

  const sealKeys = newSealKey("chaos");
  const account = await createAccount(owner.db, parseSealKeys(sealKeys), "chaos");
  const key = await newApiKey();
  await insertApiKey(owner.db, { accountId: account.id, name: "chaos", scopes: ["*"], expiresAt: null, key });

  const common = {
    PATH: process.env["PATH"] ?? "",
    TMPDIR: scratch,
    EARSHOT_QUEUE_URL: queue.url,
    EARSHOT_QUEUE_ENDPOINT: queue.endpoint,
    EARSHOT_BLOBS: bucket.location.replace(String(bucket.port), String(blobLine.port)),
    EARSHOT_BLOBS_CREDENTIALS: bucket.credentials,
    EARSHOT_SEAL_KEYS: sealKeys,
    EARSHOT_URL_KEY: Buffer.alloc(32, 7).toString("base64"),
    EARSHOT_ALLOW_LOOPBACK: "1",
    EARSHOT_HOME: scratch,
    ...env,
  };
  const databaseLines = new Map<string, TcpProxy>();
  const victims: Victim[] = [];
  async function victim(
    name: string,
    kind: keyof typeof MAINS,
    env: Record<string, string>,
  ): Promise<Victim> {
    const url = new URL(postgres.urls[kind]);
    const line = parts.use(await startTcpProxy({ host: url.hostname, port: Number(url.port) }));
    databaseLines.set(name, line);
    url.port = String(line.port);
    const started = startVictim(name, MAINS[kind], { ...common, EARSHOT_DATABASE_URL: url.href, ...env });
    victims.push(started);
    parts.defer(async () => {
      await started.stop();
    });
    return started;
  }

  const work = { EARSHOT_LANES: "1", EARSHOT_LEASE_SECONDS: String(leaseSeconds) };
  const unlimited = "req=1000000/1,read=1000000/1,write=1000000/1,submit=1000000/1";
  const api = await victim("api", "api", { EARSHOT_PORT: "0", EARSHOT_RATE_LIMITS: unlimited });
  const workers: [Victim, Victim] = [
    await victim("worker-1", "worker", work),
    await victim("worker-2", "worker", work),
  ];
  const deliver = await victim("deliver", "deliver", {});
  await Promise.all(victims.map((started) => started.ready()));

  const rest = parts.move();
  return {
    api,
    workers,
    deliver,
    victims,
    postgres,
    queue,
    bucket,
    receiver,
    databaseLines,
    blobLine,
    bell,
    sql: owner.sql,
    accountId: account.id,
    apiKey: key.key,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
