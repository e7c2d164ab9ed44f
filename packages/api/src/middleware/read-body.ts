import type { MiddlewareHandler } from "hono";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import type { AppContext, AppEnv } from "../env.ts";
import { invalid } from "../problem.ts";
import { bodyTooLarge } from "./body-limit.ts";
import type { BodyLimit } from "./body-limit.ts";

/** Reads the body as far as it may go, whatever its length was said to be. Its bytes are `c.var.rawBody`. */
export function readBody({ maxBytes }: BodyLimit): MiddlewareHandler<AppEnv> {
  return async function readBody(c, next) {
    const bytes = await read(c, maxBytes(c));
    c.set("rawBody", bytes);
    // Where hono's own readers look before they turn to the stream, which is used up now.
    Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(bytes.buffer) });
    await next();
  };
}

async function read(c: AppContext, maxBytes: number): Promise<Bytes> {
  const isBodiless = c.req.method === "GET" || c.req.method === "HEAD";
  if (isBodiless || c.req.raw.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of c.req.raw.body) {
      length += chunk.byteLength;
      if (length > maxBytes) break;
      chunks.push(chunk);
    }
  } catch {
    // Nobody will read this answer: the connection is gone.
    throw invalid("", "The body ended early.");
  }
  if (length > maxBytes) throw bodyTooLarge(maxBytes);
  return joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Bytes {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
