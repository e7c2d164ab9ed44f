import { createReadStream } from "node:fs";
import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { json } from "node:stream/consumers";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { once } from "node:events";
import { ApiRefusal, ApiUnreachable } from "./api-error.ts";

export interface FilePut {
  url: string;
  /** As the API gave them: they are signed. */
  headers: Readonly<Record<string, string>>;
  file: string;
  /** Where to begin in the file, in bytes. */
  start: number;
  /** How many bytes from there. */
  size: number;
  /** Bytes sent so far. */
  onProgress(bytes: number): void;
}

// Between two pieces of an upload, and before the answer.
const STALL_MS = 60_000;

/**
 * Streams a file, or a part of it, to a signed URL. The ETag is null where the far side gives none.
 * @throws ApiRefusal, ApiUnreachable, or the signal's reason.
 */
export async function putFile(put: FilePut, signal: AbortSignal): Promise<{ etag: string | null }> {
  const request = open(put, signal);
  try {
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    // A refusal may come before the last byte was sent, and then counts more than the broken pipe.
    const bytes = createReadStream(put.file, { start: put.start, end: put.start + put.size - 1 });
    pipeline(bytes, counter(put.onProgress), request).catch(() => {});
    const [response] = await answered;
    const status = response.statusCode ?? 0;
    const body: unknown = await json(response).catch(() => undefined);
    if (status < 200 || status > 299) throw new ApiRefusal(status, new Headers(), body);
    return { etag: response.headers.etag ?? null };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiRefusal) throw error;
    throw new ApiUnreachable(`The upload to ${new URL(put.url).host} broke off.`, { cause: error });
  } finally {
    request.destroy();
  }
}

function open({ url, headers, size }: FilePut, signal: AbortSignal): ClientRequest {
  const start = url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = start(url, {
    method: "PUT",
    headers: { ...headers, "content-length": size },
    signal,
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
