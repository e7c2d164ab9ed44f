import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import { openS3Blobs } from "@earshot/shared/blobs/s3-blobs";
import { openBucket } from "@earshot/shared/blobs/s3-bucket";
import { parseS3Location } from "@earshot/shared/blobs/s3-location";
import { newResultKey, parseResultKeys } from "@earshot/shared/crypto/result-keys";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { openDatabase } from "@earshot/shared/db/database";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { startTestBucket } from "@earshot/testkit/bucket";
import { createTestDatabase } from "@earshot/testkit/database";
import { startTestQueue } from "@earshot/testkit/queue";
import { newCaller } from "../caller.ts";
import { requestOf } from "../request.ts";
import { sealKeyOf } from "../sealed-result.ts";
import type { FrontDoor, ResultRoom } from "../suites/front-door.ts";

const API = fileURLToPath(new URL("../..", import.meta.url));
const READY = /Ready on (http:\/\/127\.0\.0\.1:\d+)/;

/** The Worker as `wrangler dev` bundles and runs it, asked over HTTP, behind a door for each suite. */
export interface WranglerDev extends AsyncDisposable {
  open(): Promise<FrontDoor & ResultRoom>;
}

export async function startWranglerDev(): Promise<WranglerDev> {
  await using started = new AsyncDisposableStack();
  const database = started.use(await createTestDatabase());
  const queue = started.use(await startTestQueue());
  const bucket = started.use(await startTestBucket());
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  started.defer(() => owner.close());
  const worker = new JobQueue(queue);
  started.defer(() => worker.close());
  const [sealKey, resultKeys] = [newSealKey("dev"), await newResultKey("dev")];
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-wrangler-"));
  started.defer(() => rm(directory, { recursive: true, force: true }));
  const wrangler = startWrangler(directory, database.urls.api, {
    EARSHOT_PUBLIC_URL: "https://api.test",
    EARSHOT_QUEUE_URL: queue.url,
    EARSHOT_QUEUE_ENDPOINT: queue.endpoint,
    EARSHOT_QUEUE_CREDENTIALS: "embedded:embedded",
    EARSHOT_BLOBS: bucket.location,
    EARSHOT_BLOBS_CREDENTIALS: bucket.credentials,
    EARSHOT_SEAL_KEYS: sealKey,
    EARSHOT_RESULT_KEYS: resultKeys,
    // All tests come from one address; accounts have the limits that they have where nothing is configured.
    EARSHOT_RATE_LIMITS: "auth=100000/60,failed=100000/60",
  });
  started.defer(() => stop(wrangler));
  const origin = await originOf(wrangler);
  const sealKeys = parseSealKeys(sealKey);
  const running = started.move();
  return {
    async open() {
      const caller = await newCaller(owner.db, sealKeys);
      return {
        caller,
        owner,
        addCaller: ({ scopes } = {}) => newCaller(owner.db, sealKeys, scopes),
        send: (method, path, options = {}) =>
          fetch(origin + path, requestOf(method, { as: caller, ...options })),
        put: (url, options) => fetch(url, requestOf("PUT", options)),
        async heardJobIds() {
          const heard: string[] = [];
          for (;;) {
            const received = await worker.receive({ maxMessages: 10, waitSeconds: 0 });
            if (received.length === 0) return heard;
            heard.push(...received.map(({ message }) => message?.jobId ?? ""));
          }
        },
        blobs: openS3Blobs(
          openBucket(parseS3Location(bucket.location), parseAwsCredentials(bucket.credentials)),
        ),
        resultSealKey: await sealKeyOf(parseResultKeys(resultKeys)),
        [Symbol.asyncDispose]: async () => {},
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startWrangler(
  directory: string,
  databaseUrl: string,
  variables: Record<string, string>,
): ChildProcess {
  const cli = join(
    dirname(createRequire(join(API, "package.json")).resolve("wrangler/package.json")),
    "bin/wrangler.js",
  );
  const named = Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const options = ["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--persist-to", directory];
  return spawn(process.execPath, [cli, "dev", ...options, ...named], {
    cwd: API,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: directory,
      CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_HYPERDRIVE: databaseUrl,
    },
  });
}

/** @throws Error with what wrangler said, when it ends instead. */
async function originOf(wrangler: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  // It is read to its end: a full pipe would stop wrangler.
  const onData = (chunk: unknown) => {
    said += String(chunk);
    const origin = READY.exec(said)?.[1];
    if (origin !== undefined) resolve(origin);
  };
  wrangler.stdout?.on("data", onData);
  wrangler.stderr?.on("data", onData);
  wrangler.once("exit", () => reject(new Error(`wrangler dev did not start: ${said}`)));
  return promise;
}

async function stop(wrangler: ChildProcess): Promise<void> {
  if (wrangler.exitCode !== null) return;
  const exited = once(wrangler, "exit");
  wrangler.kill("SIGTERM");
  await exited;
}
