import { createReadStream } from "node:fs";
import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { json } from "node:stream/consumers";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { once } from "node:events";
import { ApiError, ConnectionError } from "@earshot/sdk";
import type { SlicePut } from "@earshot/sdk";

// Between two pieces of an upload, and before the answer.
const STALL_MS = 60_000;

/**
 * Streams a slice of a file to a signed URL. The ETag is null where the far side gives none.
 * @throws ApiError, ConnectionError, or the signal's reason.
 */
export async function putFile(file: string, put: SlicePut): Promise<{ etag: string | null }> {
  const request = open(put);
  try {
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    // A refusal may come before the last byte was sent, and then counts more than the broken pipe.
    const bytes = createReadStream(file, { start: put.start, end: put.end - 1 });
    pipeline(bytes, counter(put.onProgress), request).catch(() => {});
    const [response] = await answered;
    const status = response.statusCode ?? 0;
    const body: unknown = await json(response).catch(() => undefined);
    if (status < 200 || status > 299) throw new ApiError(new Response(null, { status }), body);
    return { etag: response.headers.etag ?? null };
  } catch (error) {
    put.signal?.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ConnectionError(`The upload to ${new URL(put.url).host} broke off.`, { cause: error });
  } finally {
    request.destroy();
  }
}

function open({ url, headers, start, end, signal }: SlicePut): ClientRequest {
  const startRequest = url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = startRequest(url, {
    method: "PUT",
    headers: { ...headers, "content-length": end - start },
    ...(signal && { signal }),
    timeout: STALL_MS,
  });
  request.on("timeout", () => request.destroy(new Error("The connection stalled.")));
  // What nobody waits for any more, such as the end of a destroyed request, is no news.
  return request.on("error", () => {});
}

function counter(onProgress: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onProgress(bytes);
      done(null, chunk);
    },
  });
}
