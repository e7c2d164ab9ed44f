/**
 * Where audio and large results lie: a directory on one machine, a bucket elsewhere.
 * Keys are `uploads/<upload id>` and `results/<job id>/<attempt>/<task>.json.gz`.
 */
export interface BlobStore {
  /** Bytes of the blob, or null when it is not there. */
  size(key: string): Promise<number | null>;
  /** At most `length` bytes from its beginning. @throws Error when it is not there. */
  head(key: string, length: number): Promise<Uint8Array>;
  /** @throws Error when it is not there. */
  read(key: string): Promise<ReadableStream<Uint8Array>>;
  /**
   * Durable, and whole or not at all, when this resolves.
   * @throws AppError `input_mismatch` when the bytes are not those that were expected; then nothing was written.
   */
  write(key: string, body: ReadableStream<Uint8Array>, expected?: ExpectedBytes): Promise<void>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
}

export interface ExpectedBytes {
  sizeBytes: number;
  /** Lower-case hex; null when nobody announced it. */
  sha256: string | null;
}

export interface UploadTarget {
  key: string;
  contentType: string;
  sizeBytes: number;
  /** Lower-case hex, when the client announced it. */
  sha256: string | null;
  expiresAt: Date;
}

/** Signs a PUT for exactly one blob: the bytes that arrive have this size, type and hash or are refused. */
export interface UploadSigner {
  sign(target: UploadTarget): Promise<{ url: string; headers: Record<string, string> }>;
  /** How large files arrive in parts; null where one PUT takes any size. */
  multipart: MultipartUploads | null;
}

export interface MultipartUploads {
  /** What is larger comes in parts of this size, the last one smaller. */
  partBytes: number;
  begin(target: UploadTarget): Promise<{ multipartId: string; parts: SignedPart[] }>;
  /** @throws AppError `conflict` when the parts are not those that arrived. */
  complete(key: string, upload: { multipartId: string; parts: readonly UploadedPart[] }): Promise<void>;
}

/** A URL that takes one part, of exactly this size. */
export interface SignedPart {
  /** From 1. */
  number: number;
  sizeBytes: number;
  url: string;
}

export interface UploadedPart {
  number: number;
  /** As the answer to its PUT said. */
  etag: string;
}
