import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDiskBlobs } from "@earshot/shared/blobs/disk-blobs";
import { createUploadSigner } from "@earshot/shared/blobs/signed-urls";
import { randomBytes } from "@earshot/shared/crypto/bytes";
import { newResultKey, parseResultKeys } from "@earshot/shared/crypto/result-keys";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { Log, LogFields } from "@earshot/shared/log";
import type { JobMessage } from "@earshot/shared/queue/message";
import { createTestDatabase } from "@earshot/testkit/database";
import models from "../public/models.json" with { type: "json" };
import openApi from "../public/openapi.json" with { type: "json" };
import { docsPage } from "../src/routes/docs/page.ts";
import { createApp } from "../src/app.ts";
import type { Deps } from "../src/deps.ts";
import type { App } from "../src/env.ts";
import { MemoryLimiter } from "../src/rate-limits/memory-limiter.ts";
import { parseRateLimits } from "../src/rate-limits/rate-limits.ts";
import { BLOBS_PATH, putBlob } from "../src/routes/blobs/put.ts";
import { watchJobs } from "../src/watch-jobs.node.ts";
import { newCaller } from "./caller.ts";
import type { Caller } from "./caller.ts";
import { requestOf } from "./request.ts";
import type { RequestOptions } from "./request.ts";

export type { Caller } from "./caller.ts";
export { bodyOf, refusalOf } from "./answer.ts";

/** Tests that mean a limit say which. */
const UNLIMITED = parseRateLimits(
  ["req", "read", "write", "submit", "auth", "failed"].map((name) => `${name}=999999999/60`).join(","),
);

export interface LoggedEvent extends LogFields {
  level: keyof Log;
  event: string;
}

/** The whole front door over a real Postgres and real blobs; the bell only remembers. */
export interface ApiUnderTest extends AsyncDisposable {
  app: App;
  deps: Deps;
  /** As the owner of the tables: for what workers do, and for looking behind the door. */
  owner: OpenDatabase;
  blobDirectory: string;
  caller: Caller;
  rung: JobMessage[];
  logged: LoggedEvent[];
  addCaller(options?: { scopes?: string[] }): Promise<Caller>;
  /** With the caller's key and, where there is a body, as JSON. Headers given as null are left out. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
}

export interface SendOptions extends RequestOptions {
  /** Another front door over the same database. */
  via?: App;
}

export async function startApi(overrides: Partial<Deps> = {}): Promise<ApiUnderTest> {
  const database = await createTestDatabase();
  const api = openDatabase({ url: database.urls.api, name: "api under test" });
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  const blobDirectory = await mkdtemp(join(tmpdir(), "earshot-test-blobs-"));
  const watch = await watchJobs(api);
  const rung: JobMessage[] = [];
  const logged: LoggedEvent[] = [];
  const keys = [randomBytes(32)] as const;
  const deps: Deps = {
    db: api.db,
    bell: { ring: async (message) => void rung.push(message) },
    blobs: await openDiskBlobs(blobDirectory),
    uploadSigner: createUploadSigner({ baseUrl: `http://api.test${BLOBS_PATH}`, keys }),
    putBlob: putBlob(keys),
    sealKeys: parseSealKeys(newSealKey("test")),
    tokens: { issuer: "https://api.test", algorithm: "EdDSA" },
    providers: [],
    passwords: null,
    boxes: {
      databaseUrl: urlWithoutLogin(database.urls.api),
      queue: { url: "https://queue.test/jobs", endpoint: "https://queue.test" },
      blobs: null,
      lendCredentials: async () => null,
    },
    resultKeys: parseResultKeys(await newResultKey("test")),
    watchJobs: watch,
    // A test that means an address says it in a header of its own.
    clientIp: (c) => c.req.header("X-Test-Client-Ip") ?? "192.0.2.1",
    rateLimiter: new MemoryLimiter(),
    rateLimits: UNLIMITED,
    corsOrigins: [],
    document: async () => openApi,
    docsPage: async () => docsPage(openApi),
    models: async () => models,
    readiness: async () => ({ database: "up", migrations: "current" }),
    log: logTo(logged),
    clock: () => new Date(),
    allowLoopback: false,
    ...overrides,
  };
  const app = createApp(deps);
  const addCaller = (options: { scopes?: string[] } = {}) =>
    newCaller(owner.db, deps.sealKeys, options.scopes);
  const caller = await addCaller();
  return {
    app,
    deps,
    owner,
    blobDirectory,
    caller,
    rung,
    logged,
    addCaller,
    send: async (method, path, options = {}) =>
      (options.via ?? app).request(path, requestOf(method, { as: caller, ...options })),
    async [Symbol.asyncDispose]() {
      await watch.close();
      await Promise.all([api.close(), owner.close()]);
      await rm(blobDirectory, { recursive: true, force: true });
      await database.drop();
    },
  };
}

function urlWithoutLogin(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.username = "";
  url.password = "";
  return url.href;
}

function logTo(events: LoggedEvent[]): Log {
  const at =
    (level: keyof Log) =>
    (event: string, fields: LogFields = {}) =>
      void events.push({ level, event, ...fields });
  return { info: at("info"), warn: at("warn"), error: at("error") };
}
