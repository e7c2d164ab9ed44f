import type { Bytes } from "../crypto/bytes.ts";
import type { BlobStore, ExpectedBytes, UploadedPart } from "./blob-store.ts";
import { checkBytes } from "./check-bytes.ts";
import { s3Failure } from "./s3-bucket.ts";
import type { S3Bucket } from "./s3-bucket.ts";
import { abortMultipart, beginMultipart, completeMultipart, putPart } from "./s3-multipart.ts";

/** Held in memory while a blob is written. S3 wants at least 5 MiB in each part but the last. */
const PART_BYTES = 8 * 1024 ** 2;

/** Blobs as objects of a bucket: S3, R2, or what speaks their language. */
export function openS3Blobs(bucket: S3Bucket, { partBytes = PART_BYTES } = {}): BlobStore {
  return {
    size: (key) => objectSize(bucket, key),
    head: (key, length) => readHead(bucket, key, length),
    read: (key) => readObject(bucket, key),
    write: (key, body, expected) => writeObject(bucket, key, partsOf(body, expected, partBytes)),
    delete: (key) => deleteObject(bucket, key),
  };
}

async function objectSize(bucket: S3Bucket, key: string): Promise<number | null> {
  const response = await bucket.request("HEAD", key);
  if (response.status === 404) return null;
  if (!response.ok) throw await s3Failure("tell a size", response);
  return Number(response.headers.get("Content-Length"));
}

async function readHead(bucket: S3Bucket, key: string, length: number): Promise<Uint8Array> {
  const response = await bucket.request("GET", key, { headers: { range: `bytes=0-${length - 1}` } });
  if (!response.ok) throw await s3Failure("give a head", response);
  return new Uint8Array(await response.arrayBuffer());
}

async function readObject(bucket: S3Bucket, key: string): Promise<ReadableStream<Uint8Array>> {
  const response = await bucket.request("GET", key);
  if (!response.ok) throw await s3Failure("give a blob", response);
  return response.body ?? new Blob([]).stream();
}

async function deleteObject(bucket: S3Bucket, key: string): Promise<void> {
  const response = await bucket.request("DELETE", key);
  if (!response.ok && response.status !== 404) throw await s3Failure("delete a blob", response);
  await response.body?.cancel();
}

/** One PUT for what fits into one part, else a multipart upload: nothing is seen under the key until all is there. */
async function writeObject(bucket: S3Bucket, key: string, parts: AsyncIterator<Bytes>): Promise<void> {
  const first = await parts.next();
  const second = first.done ? first : await parts.next();
  if (second.done) return putObject(bucket, key, first.done ? new Uint8Array() : first.value);
  const multipartId = await beginMultipart(bucket, key);
  try {
    const uploaded: UploadedPart[] = [];
    for (let part: IteratorResult<Bytes> = first; !part.done;) {
      uploaded.push(
        await putPart(bucket, key, { multipartId, number: uploaded.length + 1, bytes: part.value }),
      );
      part = uploaded.length === 1 ? second : await parts.next();
    }
    await completeMultipart(bucket, key, { multipartId, parts: uploaded });
  } catch (error) {
    await abortMultipart(bucket, key, multipartId).catch(() => {}); // The first error is the one to tell.
    throw error;
  }
}

async function putObject(bucket: S3Bucket, key: string, bytes: Bytes): Promise<void> {
  const response = await bucket.request("PUT", key, { body: bytes });
  if (!response.ok) throw await s3Failure("take a blob", response);
  await response.body?.cancel();
}

/** The bytes in parts of `partBytes`, the last one smaller; none for an empty body. */
async function* partsOf(
  body: ReadableStream<Uint8Array>,
  expected: ExpectedBytes | undefined,
  partBytes: number,
): AsyncGenerator<Bytes, void> {
  let part = new Uint8Array(partBytes);
  let filled = 0;
  for await (const chunk of checkBytes(body, expected)) {
    for (let offset = 0; offset < chunk.byteLength;) {
      const piece = chunk.subarray(offset, offset + partBytes - filled);
      part.set(piece, filled);
      filled += piece.byteLength;
      offset += piece.byteLength;
      if (filled < partBytes) continue;
      yield part;
      part = new Uint8Array(partBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield part.slice(0, filled);
}
