import type { CompletedUpload, Upload, UploadedParts, UploadRequest } from "./api-types.ts";
import { EarshotError } from "./errors.ts";
import { withRetries } from "./retry.ts";
import type { Body, CallOptions, Transport } from "./transport.ts";

/** What is uploaded, in slices, so that nothing but a slice need be in memory. A `Blob` or `File` is one; `openAsBlob` of node:fs makes one of a file on disk. */
export interface UploadSource {
  readonly size: number;
  slice(start: number, end: number): Blob | Uint8Array | Promise<Blob | Uint8Array>;
}

export interface UploadOptions extends CallOptions {
  filename: string;
  /** Default: the blob's own, else `application/octet-stream`. */
  contentType?: string | undefined;
  /** Lower-case hex. Where it is given, what arrives must have it. */
  sha256?: string | undefined;
  /** A file goes in one piece or, over 64 MiB, in parts: called after each. */
  onProgress?: ((progress: { sentBytes: number; totalBytes: number }) => void) | undefined;
  /** Of an upload that broke off, from its `UploadInterrupted`: only what is missing is sent. */
  resume?: UploadState | undefined;
  /** Sends one slice; for runtimes that can tell more of its progress than fetch. Default: a PUT by fetch. */
  put?: PutSlice | undefined;
}

export interface SlicePut {
  url: string;
  headers: Record<string, string>;
  /** Where the slice begins and ends in the source, in bytes. */
  start: number;
  end: number;
  /** Of this slice, from its beginning. */
  onProgress(sentBytes: number): void;
  signal?: AbortSignal | undefined;
}

/** @returns what the store calls the slice. It throws ConnectionError or ApiError as the SDK would: then it is tried again. */
export type PutSlice = (put: SlicePut) => Promise<{ etag: string | null }>;

/** What the store calls a part that it has. */
export type SentPart = NonNullable<UploadedParts["parts"]>[number];

/** How far an upload came. Plain JSON: it can be kept, and taken up by another process before the URLs expire. */
export interface UploadState {
  upload: Upload;
  sent: SentPart[];
}

/** Some parts did not get through. */
export class UploadInterrupted extends EarshotError {
  override readonly name = "UploadInterrupted";
  readonly state: UploadState;

  constructor(state: UploadState, cause: unknown) {
    const missing = (state.upload.parts?.length ?? 1) - state.sent.length;
    super(`The upload broke off; ${missing} of its parts are missing.`, { cause });
    this.state = state;
  }
}

const PARTS_AT_ONCE = 3;

interface Part {
  number: number;
  put_url: string;
  start: number;
  end: number;
}

export class Uploads {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Brings a file to where the API wants it; a job then names it by `upload_id`.
   * @throws UploadInterrupted with what is needed to go on; ApiError; ConnectionError; the signal's reason.
   */
  async create(
    source: UploadSource | Uint8Array,
    options: UploadOptions,
  ): Promise<{ id: string; size: number }> {
    const file = source instanceof Uint8Array ? bytesSource(source) : source;
    const { resume, signal } = options;
    const upload = resume?.upload ?? (await this.announce(requestFor(file, options), { signal }));
    const { put_url: url, multipart_id: multipartId } = upload;
    if (url !== undefined) await this.#sendWhole(url, upload, file, options);
    else if (multipartId !== undefined) {
      const parts = await this.#sendParts({ upload, sent: resume?.sent ?? [] }, file, options);
      await this.complete(upload.id, { multipart_id: multipartId, parts }, { signal });
    }
    return { id: upload.id, size: file.size };
  }

  /** Where a file is to be sent; `create` does this, and the rest. */
  announce(request: UploadRequest, { signal }: CallOptions = {}): Promise<Upload> {
    // Twice announced is a URL that nobody uses, no more.
    return this.#transport.json({
      method: "POST",
      path: "/v1/uploads",
      json: request,
      isRepeatable: true,
      signal,
    });
  }

  /** Checks what was sent, and joins parts. A job does the former itself. */
  complete(id: string, parts?: UploadedParts, { signal }: CallOptions = {}): Promise<CompletedUpload> {
    const path = `/v1/uploads/${encodeURIComponent(id)}/complete`;
    // A store takes its time to make one file of many parts.
    return this.#transport.json({
      method: "POST",
      path,
      json: parts ?? {},
      isRepeatable: true,
      waitSeconds: 90,
      signal,
    });
  }

  async #sendWhole(
    url: string,
    { headers }: Upload,
    file: UploadSource,
    options: UploadOptions,
  ): Promise<void> {
    const { size } = file;
    const report = (sentBytes: number) => options.onProgress?.({ sentBytes, totalBytes: size });
    await this.#sendSlice({ number: 1, put_url: url, start: 0, end: size }, headers, file, report, options);
  }

  /** A few at a time; when one fails for good the others are broken off. */
  async #sendParts(state: UploadState, file: UploadSource, options: UploadOptions): Promise<SentPart[]> {
    const { upload } = state;
    const sent = [...state.sent];
    const all = placed(upload.parts ?? []);
    const isSent = ({ number }: Part) => sent.some((one) => one.number === number);
    const missing = all.filter((part) => !isSent(part)).values();
    const progress = new Map(all.filter(isSent).map(({ number, start, end }) => [number, end - start]));
    const broken = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, broken.signal]) : broken.signal;

    const sendRest = async () => {
      for (const part of missing) {
        const report = (bytes: number) => {
          progress.set(part.number, bytes);
          const sentBytes = [...progress.values()].reduce((sum, count) => sum + count, 0);
          options.onProgress?.({ sentBytes, totalBytes: file.size });
        };
        const { etag } = await this.#sendSlice(part, upload.headers, file, report, { ...options, signal });
        if (etag === null)
          throw new EarshotError(`The store gave part ${part.number} no ETag, or a browser may not see it.`);
        sent.push({ number: part.number, etag });
      }
    };
    const senders = Array.from({ length: PARTS_AT_ONCE }, sendRest);
    try {
      await Promise.all(senders);
    } catch (error) {
      broken.abort(error);
      await Promise.allSettled(senders);
      throw new UploadInterrupted({ upload, sent }, options.signal?.aborted ? options.signal.reason : error);
    }
    return sent.toSorted((a, b) => a.number - b.number);
  }

  async #sendSlice(
    { put_url: url, start, end }: Part,
    headers: Record<string, string>,
    file: UploadSource,
    onProgress: (bytes: number) => void,
    { put = this.#putByFetch(file), signal }: UploadOptions,
  ): Promise<{ etag: string | null }> {
    const slice = { url, headers, start, end, onProgress, signal };
    const answer = await withRetries(() => put(slice), this.#transport.retry, signal);
    onProgress(end - start);
    return answer;
  }

  #putByFetch(file: UploadSource): PutSlice {
    return async ({ url, headers, start, end, signal }) => {
      const body = (await file.slice(start, end)) as Body;
      const response = await this.#transport.put(url, { headers, body }, signal);
      await response.body?.cancel();
      return { etag: response.headers.get("etag") };
    };
  }
}

function requestFor(file: UploadSource, { filename, contentType, sha256 }: UploadOptions): UploadRequest {
  const ownType = "type" in file && typeof file.type === "string" && file.type !== "" ? file.type : undefined;
  return {
    filename,
    content_type: contentType ?? ownType ?? "application/octet-stream",
    size: file.size,
    ...(sha256 !== undefined && { sha256 }),
  };
}

function bytesSource(bytes: Uint8Array): UploadSource {
  return { size: bytes.byteLength, slice: (start, end) => bytes.subarray(start, end) };
}

/** Each part with its place in the file. */
function placed(parts: NonNullable<Upload["parts"]>): Part[] {
  let start = 0;
  return parts
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, size, put_url: url }) => {
      const part = { number, put_url: url, start, end: start + size };
      start = part.end;
      return part;
    });
}
