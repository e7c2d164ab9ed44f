import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createUploadSigner } from "@earshot/shared/blobs/signed-urls";
import type { UrlKeys } from "@earshot/shared/blobs/signed-urls";
import { randomBytes } from "@earshot/shared/crypto/bytes";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { createApp } from "../../app.ts";
import { BLOBS_PATH, putBlob } from "../blobs/put.ts";

interface Announced {
  id: string;
  put_url: string;
  headers: Record<string, string>;
  expires_at: string;
}

const AUDIO = new TextEncoder().encode("RIFF....WAVE and then some sound");
const SHA256 = createHash("sha256").update(AUDIO).digest("hex");

let api: ApiUnderTest;
let upload: Announced;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(async () => void (upload = await announce({ sha256: SHA256 })));

async function announce(fields: { sha256?: string; size?: number } = {}, via = api.app): Promise<Announced> {
  const json = { filename: "a.wav", content_type: "audio/wav", size: AUDIO.byteLength, ...fields };
  const response = await api.send("POST", "/v1/uploads", { json, via });
  expect(response.status).toBe(201);
  return bodyOf<Announced>(response);
}

interface PutOptions {
  url?: string;
  body?: Uint8Array<ArrayBuffer>;
  headers?: Record<string, string | null>;
}

/** As whoever holds the URL: without a key. */
const put = ({ url = upload.put_url, body = AUDIO, headers = {} }: PutOptions = {}, via = api.app) =>
  api.send("PUT", url, { via, body, headers: { ...upload.headers, Authorization: null, ...headers } });

const complete = (id = upload.id) => api.send("POST", `/v1/uploads/${id}/complete`);
const filesOnDisk = async () =>
  (await readdir(api.blobDirectory, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );

test("a file that was announced is taken, completed, and used by a job", async () => {
  expect(Date.parse(upload.expires_at)).toBeGreaterThan(Date.now());
  expect((await put()).status).toBe(200);
  expect(await bodyOf(await complete())).toEqual({
    id: upload.id,
    status: "complete",
    size: AUDIO.byteLength,
  });
  expect((await complete()).status).toBe(200);
  const json = { input: { upload_id: upload.id }, tasks: ["audio.features"] };
  expect((await api.send("POST", "/v1/jobs", { json })).status).toBe(202);
});

test("a job completes the upload that it names, and refuses one without its file", async () => {
  const json = { input: { upload_id: upload.id }, tasks: ["audio.features"] };
  expect(await refusalOf(await api.send("POST", "/v1/jobs", { json }))).toMatchObject({
    status: 409,
    code: "conflict",
  });
  await put();
  expect((await api.send("POST", "/v1/jobs", { json })).status).toBe(202);
  const [row] = await api.owner
    .sql`select status, completed_at is not null as at from uploads where id = ${upload.id}`;
  expect(row).toEqual({ status: "complete", at: true });
});

test("an upload without its file cannot be completed", async () => {
  expect(await refusalOf(await complete())).toMatchObject({ status: 409, code: "conflict" });
});

test.for<[string, PutOptions, string]>([
  ["another length than announced", { headers: { "content-length": "31" } }, "/headers/content-length"],
  ["no length", { headers: { "content-length": null } }, "/headers/content-length"],
  ["another type", { headers: { "content-type": "audio/mpeg" } }, "/headers/content-type"],
  ["another checksum", { headers: { "x-amz-checksum-sha256": "AAAA" } }, "/headers/x-amz-checksum-sha256"],
  ["no checksum", { headers: { "x-amz-checksum-sha256": null } }, "/headers/x-amz-checksum-sha256"],
  ["more bytes than it says", { body: new Uint8Array([...AUDIO, 0]) }, ""],
  ["fewer bytes than it says", { body: AUDIO.slice(1) }, ""],
  ["other bytes", { body: new Uint8Array(AUDIO.byteLength) }, ""],
])("a PUT with %s is refused and leaves nothing", async ([, options, pointer]) => {
  const before = await filesOnDisk();
  expect(await refusalOf(await put(options))).toEqual({
    status: 400,
    code: "validation_failed",
    pointers: [pointer],
  });
  expect(await filesOnDisk()).toHaveLength(before.length);
  expect(await api.deps.blobs.size(`uploads/${upload.id}`)).toBeNull();
});

test("a URL that was changed, or is another's, opens nothing", async () => {
  const other = await announce();
  const changes: ((url: URL) => void)[] = [
    (url) => url.searchParams.set("expires", "9999999999"),
    (url) => url.searchParams.set("size", "1"),
    (url) => url.searchParams.set("type", "text/html"),
    (url) => url.searchParams.delete("sha256"),
    (url) => url.searchParams.delete("signature"),
    (url) => url.searchParams.set("signature", "A".repeat(43)),
    (url) => (url.pathname = new URL(other.put_url).pathname),
  ];
  for (const change of changes) {
    const url = new URL(upload.put_url);
    change(url);
    expect(await refusalOf(await put({ url: url.href })), url.href).toMatchObject({
      status: 403,
      code: "forbidden",
    });
  }
  expect((await api.send("GET", upload.put_url)).status).toBe(405);
});

test("a URL is dead once it has expired", async () => {
  const later = createApp({ ...api.deps, clock: () => new Date(upload.expires_at) });
  const earlier = createApp({ ...api.deps, clock: () => new Date(Date.parse(upload.expires_at) - 1_001) });
  expect((await put({}, later)).status).toBe(403);
  expect((await put({}, earlier)).status).toBe(200);
});

test("a URL outlives a rotation of the key while the old one stands behind the new one, and no longer", async () => {
  const doorWith = (...keys: UrlKeys) => {
    const uploadSigner = createUploadSigner({ baseUrl: `http://api.test${BLOBS_PATH}`, keys });
    return createApp({ ...api.deps, uploadSigner, putBlob: putBlob(keys) });
  };
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const [before, during, after] = [doorWith(old), doorWith(next, old), doorWith(next)];
  const handedOut = await announce({}, before);
  expect((await put({ url: handedOut.put_url }, after)).status).toBe(403);
  expect((await put({ url: handedOut.put_url }, during)).status).toBe(200);
  const later = await announce({}, during);
  expect((await put({ url: later.put_url }, before)).status).toBe(403);
  expect((await put({ url: later.put_url }, after)).status).toBe(200);
});

test("an interrupted PUT can be made again", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(AUDIO.slice(0, 4));
      controller.error(new Error("the line went dead"));
    },
  });
  const headers = { ...upload.headers, Authorization: null };
  const response = await api.send("PUT", upload.put_url, { body: broken, headers });
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(await api.deps.blobs.size(`uploads/${upload.id}`)).toBeNull();
  expect((await put()).status).toBe(200);
  expect((await put()).status).toBe(200);
});
