import { createHash } from "node:crypto";
import { startTestBucket } from "@earshot/testkit/bucket";
import type { TestBucket } from "@earshot/testkit/bucket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAwsCredentials } from "../aws-credentials.ts";
import type { BlobStore, MultipartUploads, UploadSigner, UploadTarget } from "./blob-store.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { openBucket } from "./s3-bucket.ts";
import { parseS3Location } from "./s3-location.ts";
import { createS3UploadSigner } from "./s3-upload-signer.ts";

const AUDIO = "RIFF....WAVE and then some sound";
const PART_BYTES = 10;

let bucket: TestBucket;
let blobs: BlobStore;
let signer: UploadSigner;
let multipart: MultipartUploads;
beforeAll(async () => {
  bucket = await startTestBucket();
  const opened = openBucket(parseS3Location(bucket.location), parseAwsCredentials(bucket.credentials));
  blobs = openS3Blobs(opened);
  signer = createS3UploadSigner(opened, { partBytes: PART_BYTES });
  if (signer.multipart === null) throw new Error("a bucket takes parts");
  multipart = signer.multipart;
});
afterAll(() => bucket.stop());

let count = 0;
const targetOf = (overrides: Partial<UploadTarget> = {}): UploadTarget => ({
  key: `uploads/${++count}`,
  contentType: "audio/wav",
  sizeBytes: AUDIO.length,
  sha256: createHash("sha256").update(AUDIO).digest("hex"),
  expiresAt: new Date(Date.now() + 60_000),
  ...overrides,
});

const put = (url: string, headers: Record<string, string>, body = AUDIO) =>
  fetch(url, { method: "PUT", headers, body });

test("the file that was announced is taken, without any key", async () => {
  const target = targetOf();
  const { url, headers } = await signer.sign(target);
  expect((await put(url, headers)).status).toBe(200);
  expect(await new Response(await blobs.read(target.key)).text()).toBe(AUDIO);
});

test("length, type and checksum are signed", async () => {
  const { url, headers } = await signer.sign(targetOf());
  expect(new URL(url).searchParams.get("X-Amz-SignedHeaders")).toBe(
    "content-length;content-type;host;x-amz-checksum-sha256",
  );
  const { "content-length": _, ...unsized } = headers;
  const other: [Record<string, string>, string][] = [
    [unsized, `${AUDIO}!`],
    [{ ...headers, "content-type": "text/html" }, AUDIO],
    [{ ...headers, "x-amz-checksum-sha256": Buffer.alloc(32).toString("base64") }, AUDIO],
  ];
  for (const [otherHeaders, body] of other) {
    expect((await put(url, otherHeaders, body)).status).toBe(403);
  }
});

test("a URL that was changed, or has expired, opens nothing", async () => {
  const target = targetOf();
  const { url, headers } = await signer.sign(target);
  expect((await put(url.replace(target.key, "uploads/other"), headers)).status).toBe(403);
  expect((await put(url.replace(/X-Amz-Expires=\d+/, "X-Amz-Expires=99999"), headers)).status).toBe(403);
  const late = await signer.sign(targetOf({ expiresAt: new Date(Date.now() + 1_000) }));
  const expiry = new Date(Date.now() + 3_000);
  while (new Date() < expiry) {
    // Dates are whole seconds there: the URL is tried until it is dead.
    if ((await put(late.url, late.headers)).status === 403) return;
  }
  throw new Error("the URL outlived its end");
});

test("a large file arrives in parts of the signed sizes, in any order", async () => {
  const target = targetOf();
  const { multipartId, parts } = await multipart.begin(target);
  expect(parts.map(({ number, sizeBytes }) => [number, sizeBytes])).toEqual([
    [1, 10],
    [2, 10],
    [3, 10],
    [4, 2],
  ]);
  const uploaded = await Promise.all(
    parts.toReversed().map(async ({ number, url, sizeBytes }) => {
      const from = (number - 1) * PART_BYTES;
      const response = await put(url, {}, AUDIO.slice(from, from + sizeBytes));
      expect(response.status).toBe(200);
      return { number, etag: response.headers.get("ETag") ?? "" };
    }),
  );
  expect(await blobs.size(target.key)).toBeNull();
  await multipart.complete(target.key, { multipartId, parts: uploaded });
  expect(await new Response(await blobs.read(target.key)).text()).toBe(AUDIO);
});

test("a part of another size, or at another place, is refused", async () => {
  const { parts } = await multipart.begin(targetOf());
  const [first] = parts;
  if (first === undefined) throw new Error("there are parts");
  expect((await put(first.url, {}, AUDIO.slice(0, 9))).status).toBe(403);
  const elsewhere = first.url.replace("partNumber=1", "partNumber=2");
  expect((await put(elsewhere, {}, AUDIO.slice(0, 10))).status).toBe(403);
});
