import type { Bytes } from "../crypto/bytes.ts";
import { AppError } from "../domain/errors.ts";
import type { UploadedPart } from "./blob-store.ts";
import { bucketRefusal, s3Failure, textOf } from "./s3-bucket.ts";
import type { S3Bucket } from "./s3-bucket.ts";

/** @returns the id of a multipart upload, which lies beside the bucket's objects until it is completed or aborted. */
export async function beginMultipart(
  bucket: S3Bucket,
  key: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await bucket.request("POST", key, { query: { uploads: "" }, headers });
  if (!response.ok) throw await s3Failure("begin a multipart upload", response);
  const id = textOf(await response.text(), "UploadId");
  if (id === null) throw new Error("the bucket began a multipart upload and gave it no id");
  return id;
}

export async function putPart(
  bucket: S3Bucket,
  key: string,
  part: { multipartId: string; number: number; bytes: Bytes },
): Promise<UploadedPart> {
  const { multipartId, number, bytes } = part;
  const query = { partNumber: String(number), uploadId: multipartId };
  const response = await bucket.request("PUT", key, { query, body: bytes });
  if (!response.ok) throw await s3Failure("take a part", response);
  await response.body?.cancel();
  return { number, etag: response.headers.get("ETag") ?? "" };
}

/** What S3 says of parts that are missing, wrong, or of an upload that isn't there. */
const REFUSALS = new Set([
  "InvalidPart",
  "InvalidPartOrder",
  "EntityTooSmall",
  "NoSuchUpload",
  "MalformedXML",
]);

/**
 * Makes the parts one object.
 * @throws AppError `conflict` when the parts are not those that arrived.
 */
export async function completeMultipart(
  bucket: S3Bucket,
  key: string,
  upload: { multipartId: string; parts: readonly UploadedPart[] },
): Promise<void> {
  const body = completionOf(upload.parts);
  const headers = { "content-type": "application/xml" };
  const query = { uploadId: upload.multipartId };
  const response = await bucket.request("POST", key, { query, headers, body });
  // S3 sends 200 before it has put the parts together, and an error in the body if that fails.
  const text = await response.text();
  if (response.ok && !text.includes("<Error>")) return;
  const code = textOf(text, "Code") ?? "no code";
  if (REFUSALS.has(code))
    throw new AppError("conflict", { message: `The parts do not make a file: ${code}.` });
  throw bucketRefusal("complete a multipart upload", response.status, code);
}

/** Drops the parts. A failure leaves them to the bucket's lifecycle rule. */
export async function abortMultipart(bucket: S3Bucket, key: string, multipartId: string): Promise<void> {
  const response = await bucket.request("DELETE", key, { query: { uploadId: multipartId } });
  await response.body?.cancel();
}

function completionOf(parts: readonly UploadedPart[]): string {
  const elements = parts
    .toSorted((a, b) => a.number - b.number)
    .map(
      ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
    );
  return `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
