import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import type { UploadSigner } from "@earshot/shared/blobs/blob-store";
import { openS3Blobs } from "@earshot/shared/blobs/s3-blobs";
import { openBucket } from "@earshot/shared/blobs/s3-bucket";
import { parseS3Location } from "@earshot/shared/blobs/s3-location";
import { createS3UploadSigner } from "@earshot/shared/blobs/s3-upload-signer";
import { utf8 } from "@earshot/shared/crypto/bytes";
import { startTestBucket } from "@earshot/testkit/bucket";
import type { TestBucket } from "@earshot/testkit/bucket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";

interface Announced {
  id: string;
  put_url?: string;
  multipart_id?: string;
  parts?: { number: number; size: number; put_url: string }[];
}

const AUDIO = utf8(`RIFF....WAVE${"and then some sound ".repeat(10)}`);
const PART_BYTES = 100;

let bucket: TestBucket;
let api: ApiUnderTest;
let signerOfParts: (partBytes?: number) => UploadSigner;
beforeAll(async () => {
  bucket = await startTestBucket();
  const opened = openBucket(parseS3Location(bucket.location), parseAwsCredentials(bucket.credentials));
  signerOfParts = (partBytes) => createS3UploadSigner(opened, partBytes === undefined ? {} : { partBytes });
  api = await startApi({
    blobs: openS3Blobs(opened),
    uploadSigner: signerOfParts(PART_BYTES),
    putBlob: null,
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await bucket.stop();
});

const announce = async (size = AUDIO.byteLength) => {
  const json = { filename: "a.wav", content_type: "audio/wav", size };
  return bodyOf<Announced>(await api.send("POST", "/v1/uploads", { json }));
};

const complete = (id: string, json?: unknown) =>
  api.send("POST", `/v1/uploads/${id}/complete`, json === undefined ? {} : { json });

/** PUTs every part and answers what each PUT said. */
async function putParts({ parts = [] }: Announced): Promise<{ number: number; etag: string }[]> {
  return Promise.all(
    parts.map(async ({ number, size, put_url: url }) => {
      const from = (number - 1) * PART_BYTES;
      const response = await fetch(url, { method: "PUT", body: AUDIO.slice(from, from + size) });
      expect(response.status).toBe(200);
      return { number, etag: response.headers.get("ETag") ?? "" };
    }),
  );
}

test("a large file is sent in parts, completed with them, and used by a job", async () => {
  const announced = await announce();
  expect(announced.put_url).toBeUndefined();
  expect(announced.parts?.map(({ number, size }) => [number, size])).toEqual([
    [1, 100],
    [2, 100],
    [3, 12],
  ]);
  const parts = await putParts(announced);
  const body = { multipart_id: announced.multipart_id, parts };
  const { id } = announced;
  const first = await complete(id, body);
  expect(await bodyOf(first)).toEqual({ id, status: "complete", size: AUDIO.byteLength });
  expect((await complete(id, body)).status).toBe(200);
  expect(await new Response(await api.deps.blobs.read(`uploads/${id}`)).bytes()).toEqual(AUDIO);
  const job = { input: { upload_id: id }, tasks: ["audio.features"] };
  expect((await api.send("POST", "/v1/jobs", { json: job })).status).toBe(202);
});

test("a file of one part is sent by one PUT, and parts begin above 64 MiB", async () => {
  expect(await announce(PART_BYTES)).toMatchObject({ put_url: expect.any(String) });
  expect(signerOfParts().multipart?.partBytes).toBe(64 * 1024 ** 2);
});

test("parts that were not sent, and those that are not all named, complete nothing", async () => {
  const announced = await announce();
  const { id, multipart_id: multipartId } = announced;
  expect(await refusalOf(await complete(id))).toMatchObject({ status: 409, code: "conflict" });
  const parts = await putParts(announced);
  const [first, second, third] = parts;
  const unfit = [
    { multipart_id: multipartId },
    { parts },
    { multipart_id: multipartId, parts: [] },
    { multipart_id: multipartId, parts: [first, second] },
    { multipart_id: multipartId, parts: [first, second, second] },
    { multipart_id: multipartId, parts: [first, third, { number: 4, etag: "x" }] },
    { multipart_id: multipartId, parts: [first, second, { ...third, etag: "" }] },
  ];
  for (const body of unfit) {
    expect(await refusalOf(await complete(id, body)), JSON.stringify(body)).toMatchObject({ status: 400 });
  }
  expect(await api.deps.blobs.size(`uploads/${id}`)).toBeNull();
  expect((await complete(id, { multipart_id: multipartId, parts })).status).toBe(200);
});

test("where one PUT takes any size there are no parts to complete", async () => {
  await using onDisk = await startApi();
  const json = { filename: "a.wav", content_type: "audio/wav", size: AUDIO.byteLength };
  const { id } = await bodyOf(await onDisk.send("POST", "/v1/uploads", { json }));
  const body = { multipart_id: "m", parts: [{ number: 1, etag: "e" }] };
  const response = await onDisk.send("POST", `/v1/uploads/${id}/complete`, { json: body });
  expect(await refusalOf(response)).toMatchObject({ status: 400, pointers: ["/parts"] });
});
