import type { Bytes, WebKey } from "./bytes.ts";

/** Bytes under one tag. A stream is opened, and can be served, with no more than one chunk of it in memory. */
const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;

type Transform = TransformStream<Uint8Array, Uint8Array>;

/**
 * AES-256-GCM chunk by chunk (the STREAM construction): the nonce counts the chunks and marks the last, so a chunk
 * that is changed, moved, missing or cut off does not open. `key` seals this one stream and no other.
 */
export function sealingStream(key: WebKey): Transform {
  return chunked(CHUNK_BYTES, async (chunk, iv) =>
    crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, chunk),
  );
}

/** What was sealed. The stream fails at the first chunk that is not as it was; those before it have gone out. */
export function openingStream(key: WebKey): Transform {
  const open = async (chunk: Bytes, iv: Bytes) => crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, chunk);
  return chunked(CHUNK_BYTES + TAG_BYTES, open);
}

/** The same of bytes that are all there. */
export async function through(transform: Transform, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(transform)).arrayBuffer());
}

/** A whole chunk is kept back until more comes: the last one is another. */
function chunked(size: number, work: (chunk: Bytes, iv: Bytes) => Promise<ArrayBuffer>): Transform {
  const kept = new Uint8Array(size);
  let length = 0;
  let count = 0;

  async function emit(controller: TransformStreamDefaultController<Uint8Array>, isLast: boolean) {
    controller.enqueue(new Uint8Array(await work(kept.slice(0, length), nonce(count, isLast))));
    count += 1;
    length = 0;
  }

  return new TransformStream({
    async transform(bytes, controller) {
      for (let at = 0; at < bytes.length;) {
        if (length === size) await emit(controller, false);
        const part = bytes.subarray(at, at + size - length);
        kept.set(part, length);
        length += part.length;
        at += part.length;
      }
    },
    flush: (controller) => emit(controller, true),
  });
}

function nonce(count: number, isLast: boolean): Bytes {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(4, count);
  iv[11] = isLast ? 1 : 0;
  return iv;
}
