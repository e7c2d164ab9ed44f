import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startTestBucket } from "@earshot/testkit/bucket";
import type { TestBucket } from "@earshot/testkit/bucket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAwsCredentials } from "../aws-credentials.ts";
import type { BlobStore } from "./blob-store.ts";
import { openBlobs } from "./open-blobs.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { openBucket } from "./s3-bucket.ts";
import { parseS3Location } from "./s3-location.ts";

const PART_BYTES = 8;

let bucket: TestBucket;
let blobs: BlobStore;
beforeAll(async () => {
  bucket = await startTestBucket();
  const opened = openBucket(parseS3Location(bucket.location), parseAwsCredentials(bucket.credentials));
  blobs = openS3Blobs(opened, { partBytes: PART_BYTES });
});
afterAll(() => bucket.stop());

const streamOf = (...parts: string[]) => new Blob(parts).stream();
const textOf = async (key: string) => new Response(await blobs.read(key)).text();

// Below, at and above one part, and exactly two.
test.for(["", "short", "12345678", "123456789", "1234567812345678", "several parts, and the last is short"])(
  "%j is read as it was written",
  async (text) => {
    await blobs.write("results/job/1/task.json.gz", streamOf(text.slice(0, 3), text.slice(3)));
    expect(await textOf("results/job/1/task.json.gz")).toBe(text);
    expect(await blobs.size("results/job/1/task.json.gz")).toBe(text.length);
  },
);

// The test bucket breaks off where a range ends behind the object; S3 shortens it.
test("the head is as long as it was asked for", async () => {
  await blobs.write("a", streamOf("Hello world"));
  expect(new TextDecoder().decode(await blobs.head("a", 5))).toBe("Hello");
  expect(await blobs.head("a", 11)).toHaveLength(11);
});

test("what isn't there has no size, cannot be read, and can be deleted", async () => {
  expect(await blobs.size("uploads/none")).toBeNull();
  await expect(blobs.read("uploads/none")).rejects.toThrow("404 NoSuchKey");
  await expect(blobs.head("uploads/none", 1)).rejects.toThrow("404 NoSuchKey");
  await blobs.delete("uploads/none");
  await blobs.write("uploads/some", streamOf("x"));
  await blobs.delete("uploads/some");
  expect(await blobs.size("uploads/some")).toBeNull();
});

test("other bytes than expected are refused and leave nothing, small or in parts", async () => {
  for (const text of ["four", "many more than four"]) {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const sizeBytes = text.length;
    await blobs.write(`good/${sizeBytes}`, streamOf(text), { sizeBytes, sha256 });
    const other = text.toUpperCase();
    for (const [body, field] of [
      [`${text}s`, "size"],
      [text.slice(1), "size"],
      [other, "sha256"],
    ] as const) {
      await expect(blobs.write("bad", streamOf(body), { sizeBytes, sha256 })).rejects.toMatchObject({
        code: "input_mismatch",
        detail: { field },
      });
    }
  }
  expect(await blobs.size("bad")).toBeNull();
});

test("a bucket that is gone, or says that it can't now, is unavailable", async () => {
  const overloaded = createServer((_, response) => {
    response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
  });
  overloaded.listen(0, "127.0.0.1");
  await once(overloaded, "listening");
  const { port } = overloaded.address() as AddressInfo;
  const there = `s3://none?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}&region=us-east-1`;
  const opened = await openBlobs(there, parseAwsCredentials(bucket.credentials));
  await expect(opened.read("a")).rejects.toMatchObject({
    code: "unavailable",
    cause: { message: "the bucket refused to give a blob: 503 SlowDown" },
  });
  const closed = once(overloaded, "close");
  overloaded.close();
  overloaded.closeAllConnections();
  await closed;
  await expect(opened.read("a")).rejects.toMatchObject({ code: "unavailable" });
});

test("a bucket is opened by its location, with its own credentials alone", async () => {
  const opened = await openBlobs(bucket.location, parseAwsCredentials(bucket.credentials));
  await opened.write("by-location", streamOf("x"));
  expect(await opened.size("by-location")).toBe(1);
  const wrong = await openBlobs(bucket.location, { accessKeyId: "S3RVER", secretAccessKey: "wrong" });
  await expect(wrong.read("by-location")).rejects.toThrow("403 SignatureDoesNotMatch");
  await expect(openBlobs(bucket.location)).rejects.toThrow("credentials");
});
