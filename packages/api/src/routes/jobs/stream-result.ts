import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import { utf8 } from "@earshot/shared/crypto/bytes";
import { unzipped } from "./result-bodies.ts";
import type { ResultBody } from "./result-bodies.ts";
import { MOST_POINTS, thinResult } from "./thin-result.ts";

/**
 * `{…head, "results": [bodies]}` from bodies that are JSON already, with at most `MOST_POINTS` points a column. Bodies
 * go out one at a time, byte for byte but for those with longer columns. The memory that it takes is that of the longest
 * body, which the cap of the audio's length bounds: four hours of 50 columns are 3.5 MB of text.
 */
export function streamResult(
  blobs: BlobStore,
  head: object,
  bodies: readonly ResultBody[],
): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunksOf(blobs, head, bodies));
}

async function* chunksOf(
  blobs: BlobStore,
  head: object,
  bodies: readonly ResultBody[],
): AsyncGenerator<Uint8Array> {
  yield utf8(`${JSON.stringify(head).slice(0, -1)},"results":[`);
  for (const [index, body] of bodies.entries()) {
    if (index > 0) yield utf8(",");
    const text = "text" in body ? body.text : await new Response(await unzipped(blobs, body)).text();
    // A digit and a comma for each point: what is shorter has no long column.
    yield utf8(text.length > 2 * MOST_POINTS ? thinResult(text) : text);
  }
  yield utf8("]}");
}
