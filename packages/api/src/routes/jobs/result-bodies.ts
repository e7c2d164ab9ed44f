import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { StoredResult } from "@earshot/shared/db/jobs/read-job";

/** A result that is JSON already, and how many bytes it has unzipped. */
export type ResultBody = { bytes: number } & ({ text: string } | { gzippedBlob: string });

export function storedBody({ body, blobKey, bodyBytes: bytes }: StoredResult): ResultBody {
  if (body !== null) return { bytes, text: body };
  if (blobKey !== null) return { bytes, gzippedBlob: blobKey };
  throw new Error("a stored result has neither a body nor a blob");
}

/** A missing blob is found out while an answer can still say so. @throws Error */
export async function requireBlobs(blobs: BlobStore, bodies: readonly ResultBody[]): Promise<void> {
  for (const body of bodies) {
    if ("text" in body || (await blobs.size(body.gzippedBlob)) !== null) continue;
    throw new Error(`the blob ${body.gzippedBlob} of a result is not there`);
  }
}

export async function unzipped(blobs: BlobStore, key: string): Promise<ReadableStream<Uint8Array>> {
  return (await blobs.read(key)).pipeThrough(new DecompressionStream("gzip"));
}
