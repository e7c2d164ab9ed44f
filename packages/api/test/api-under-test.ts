import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDiskBlobs } from "@earshot/shared/blobs/disk-blobs";
import { createUploadSigner } from "@earshot/shared/blobs/signed-urls";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { randomBytes } from "@earshot/shared/crypto/bytes";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { Log, LogFields } from "@earshot/shared/log";
import type { JobMessage } from "@earshot/shared/queue/message";
import { createTestDatabase } from "@earshot/testkit/database";
import { createApp } from "../src/app.ts";
import type { Deps } from "../src/deps.ts";
import type { App } from "../src/env.ts";
import { BLOBS_PATH } from "../src/routes/blobs/signed-request.ts";
import { watchJobs } from "../src/watch-jobs.node.ts";

export interface Caller {
  accountId: string;
  key: string;
}

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

export interface SendOptions {
  as?: Caller;
  /** Another front door over the same database. */
  via?: App;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  headers?: Record<string, string | null>;
  signal?: AbortSignal;
}

export async function startApi(overrides: Partial<Deps> = {}): Promise<ApiUnderTest> {
  const database = await createTestDatabase();
  const api = openDatabase({ url: database.urls.api, name: "api under test" });
  const owner = openDatabase({ url: database.urls.owner, name: "owner" });
  const blobDirectory = await mkdtemp(join(tmpdir(), "earshot-test-blobs-"));
  const watch = await watchJobs(api.sql);
  const rung: JobMessage[] = [];
  const logged: LoggedEvent[] = [];
  const urlKey = randomBytes(32);
  const deps: Deps = {
    db: api.db,
    bell: { ring: async (message) => void rung.push(message) },
    blobs: await openDiskBlobs(blobDirectory),
    uploadSigner: createUploadSigner({ baseUrl: `http://api.test${BLOBS_PATH}`, key: urlKey }),
    blobUrlKey: urlKey,
    sealKeys: parseSealKeys(newSealKey("test")),
    watchJobs: watch,
    readiness: async () => ({ database: "up", migrations: "current" }),
    log: logTo(logged),
    clock: () => new Date(),
    allowLoopback: false,
    ...overrides,
  };
  const app = createApp(deps);
  const addCaller = (options: { scopes?: string[] } = {}) => newCaller(owner, deps, options.scopes ?? ["*"]);
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
      (options.via ?? app).request(path, initOf(method, { as: caller, ...options })),
    async [Symbol.asyncDispose]() {
      await watch.close();
      await Promise.all([api.close(), owner.close()]);
      await rm(blobDirectory, { recursive: true, force: true });
      await database.drop();
    },
  };
}

function initOf(method: string, { as, json, body, headers = {}, signal }: SendOptions): RequestInit {
  const all = {
    Authorization: as === undefined ? null : `Bearer ${as.key}`,
    "Content-Type": json === undefined ? null : "application/json",
    ...headers,
  };
  return {
    method,
    headers: Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    ...(signal && { signal }),
    ...((body ?? json) !== undefined && { body: body ?? JSON.stringify(json), duplex: "half" }),
  };
}

async function newCaller({ db }: OpenDatabase, { sealKeys }: Deps, scopes: string[]): Promise<Caller> {
  const { id: accountId } = await createAccount(db, sealKeys, "a test's");
  const key = await newApiKey();
  await insertApiKey(db, { accountId, name: "a test's", scopes, expiresAt: null, key });
  return { accountId, key: key.key };
}

function logTo(events: LoggedEvent[]): Log {
  const at =
    (level: keyof Log) =>
    (event: string, fields: LogFields = {}) =>
      void events.push({ level, event, ...fields });
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** The body of an answer, which the test knows to be a `Shape`. */
export async function bodyOf<Shape = { id: string }>(response: Response): Promise<Shape> {
  return (await response.json()) as Shape;
}

/** What a refusal says: status, code and where the faults are. */
export async function refusalOf(
  response: Response,
): Promise<{ status: number; code: string; pointers: string[] }> {
  const problem = await bodyOf<{ status: number; code: string; errors?: { pointer: string }[] }>(response);
  return {
    status: response.status,
    code: problem.code,
    pointers: (problem.errors ?? []).map(({ pointer }) => pointer),
  };
}
