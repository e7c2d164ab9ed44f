import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import { utf8 } from "@earshot/shared/crypto/bytes";

export type ResultBody = { text: string } | { gzippedBlob: string };

/** `{…head, "results": [bodies]}` from bodies that are JSON already: they go out byte for byte, and one at a time. */
export function streamResult(
  blobs: BlobStore,
  head: object,
  bodies: readonly ResultBody[],
): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunksOf(blobs, head, bodies));
}

/** A missing blob is found out while an answer can still say so. @throws Error */
export async function requireBlobs(blobs: BlobStore, bodies: readonly ResultBody[]): Promise<void> {
  for (const body of bodies) {
    if ("text" in body || (await blobs.size(body.gzippedBlob)) !== null) continue;
    throw new Error(`the blob ${body.gzippedBlob} of a result is not there`);
  }
}

async function* chunksOf(
  blobs: BlobStore,
  head: object,
  bodies: readonly ResultBody[],
): AsyncGenerator<Uint8Array> {
  yield utf8(`${JSON.stringify(head).slice(0, -1)},"results":[`);
  for (const [index, body] of bodies.entries()) {
    if (index > 0) yield utf8(",");
    if ("text" in body) yield utf8(body.text);
    else yield* await unzipped(blobs, body.gzippedBlob);
  }
  yield utf8("]}");
}

async function unzipped(blobs: BlobStore, key: string): Promise<ReadableStream<Uint8Array>> {
  return (await blobs.read(key)).pipeThrough(new DecompressionStream("gzip"));
}
