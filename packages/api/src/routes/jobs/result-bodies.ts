import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import { fromBase64 } from "@earshot/shared/crypto/bytes";
import type { WebKey } from "@earshot/shared/crypto/bytes";
import { openEnvelope } from "@earshot/shared/crypto/result-keys";
import type { ResultKeys } from "@earshot/shared/crypto/result-keys";
import { openingStream, through } from "@earshot/shared/crypto/sealed-stream";
import type { StoredResult } from "@earshot/shared/db/jobs/read-job";
import { resultContext } from "@earshot/shared/domain/sealed-tasks";

/** A result that is JSON already, and how many bytes it has unzipped. */
export type ResultBody = { bytes: number } & ({ text: string } | ZippedBlob);

interface ZippedBlob {
  gzippedBlob: string;
  /** What the blob is sealed with. */
  key: WebKey | null;
}

/** @throws Error when it is sealed and can't be opened. */
export async function storedBody(result: StoredResult, resultKeys: ResultKeys | null): Promise<ResultBody> {
  const { body, blobKey, bodyBytes: bytes } = result;
  const key = await keyOf(result, resultKeys);
  if (blobKey !== null) return { bytes, gzippedBlob: blobKey, key };
  if (body === null) throw new Error("a stored result has neither a body nor a blob");
  if (key === null) return { bytes, text: body };
  return { bytes, text: new TextDecoder().decode(await through(openingStream(key), fromBase64(body))) };
}

async function keyOf(
  { jobId, task, sealedKey }: StoredResult,
  resultKeys: ResultKeys | null,
): Promise<WebKey | null> {
  if (sealedKey === null) return null;
  if (resultKeys === null) throw new Error("a result is sealed, and EARSHOT_RESULT_KEYS is not set");
  return openEnvelope(resultKeys, sealedKey, resultContext(jobId, task));
}

/** A missing blob is found out while an answer can still say so. @throws Error */
export async function requireBlobs(blobs: BlobStore, bodies: readonly ResultBody[]): Promise<void> {
  for (const body of bodies) {
    if ("text" in body || (await blobs.size(body.gzippedBlob)) !== null) continue;
    throw new Error(`the blob ${body.gzippedBlob} of a result is not there`);
  }
}

/** The zipped bytes, opened as they come. */
export async function zipped(
  blobs: BlobStore,
  { gzippedBlob, key }: ZippedBlob,
): Promise<ReadableStream<Uint8Array>> {
  const stored = await blobs.read(gzippedBlob);
  return key === null ? stored : stored.pipeThrough(openingStream(key));
}

export async function unzipped(blobs: BlobStore, blob: ZippedBlob): Promise<ReadableStream<Uint8Array>> {
  return (await zipped(blobs, blob)).pipeThrough(new DecompressionStream("gzip"));
}
