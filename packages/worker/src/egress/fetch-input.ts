import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { AppError } from "@earshot/shared/domain/errors";
import type { Resolve } from "./checked-addresses.ts";
import { EgressError, egressErrorOf } from "./egress-error.ts";
import { guardedRequest } from "./guarded-request.ts";
import type { GuardedResponse } from "./guarded-request.ts";
import { watchForStall } from "./stall-watch.ts";
import type { StallWatch } from "./stall-watch.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";

export interface FetchInputOptions {
  policy: EgressPolicy;
  /** The file that the bytes are written to. It is gone again when this fails. */
  toFile: string;
  maxBytes: number;
  /** The longest time in which nothing arrives. */
  stallMs: number;
  signal: AbortSignal;
  resolve?: Resolve;
}

export interface FetchedInput {
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Streams the input at `url` to a file. Each hop of a redirect is checked like the first address.
 * @throws AppError input_forbidden, input_too_large, or input_unreachable (its detail tells `status` or `reason`); the signal's reason.
 */
export async function fetchInput(url: string, options: FetchInputOptions): Promise<FetchedInput> {
  using stall = watchForStall(options.stallMs);
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    return await download(url, { ...options, signal }, stall);
  } catch (error) {
    await rm(options.toFile, { force: true });
    options.signal.throwIfAborted();
    throw error instanceof EgressError ? unreachable({ reason: error.kind }, error) : error;
  }
}

async function download(url: string, options: FetchInputOptions, stall: StallWatch): Promise<FetchedInput> {
  const { body, headers } = await openInput(url, options, stall);
  try {
    refuseDeclaredOver(options.maxBytes, headers["content-length"]);
    return await save(chunksOf(body, options.signal, stall), options);
  } finally {
    body.destroy();
  }
}

/** The first response that is no redirect, if it is a 2xx. */
async function openInput(
  url: string,
  options: FetchInputOptions,
  stall: StallWatch,
): Promise<GuardedResponse> {
  let next = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await request(next, options);
    stall.moved();
    const { location } = response.headers;
    if (response.status >= 200 && response.status < 300) return response;
    response.body.destroy();
    if (!REDIRECTS.includes(response.status) || location === undefined)
      throw unreachable({ status: response.status });
    next = URL.parse(location, next)?.href ?? location;
  }
  throw unreachable({ reason: "too_many_redirects" });
}

function request(url: string, { policy, signal, resolve }: FetchInputOptions): Promise<GuardedResponse> {
  return guardedRequest(url, {
    method: "GET",
    // Compressed bytes would have another hash and another length than the file has.
    headers: { accept: "*/*", "accept-encoding": "identity", "user-agent": "Earshot" },
    policy,
    signal,
    ...(resolve ? { resolve } : {}),
  });
}

function refuseDeclaredOver(maxBytes: number, contentLength: string | undefined): void {
  const declaredBytes = Number(contentLength ?? 0);
  if (declaredBytes > maxBytes) throw tooLarge(maxBytes, { declaredBytes });
}

async function* chunksOf(body: Readable, signal: AbortSignal, stall: StallWatch): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      stall.moved();
      yield chunk;
    }
  } catch (error) {
    throw egressErrorOf(error, signal);
  }
}

async function save(
  chunks: AsyncIterable<Uint8Array>,
  { toFile, maxBytes }: FetchInputOptions,
): Promise<FetchedInput> {
  await using file = await open(toFile, "w", 0o600);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    hash.update(chunk);
    await file.appendFile(chunk);
  }
  return { bytes, sha256: hash.digest("hex") };
}

function tooLarge(limitBytes: number, detail: { declaredBytes?: number } = {}): AppError {
  return new AppError("input_too_large", { detail: { limitBytes, ...detail } });
}

function unreachable(detail: { status: number } | { reason: string }, cause?: unknown): AppError {
  return new AppError("input_unreachable", { detail, cause });
}
