import { constantTimeEqual, hmacSha256, toBase64, toBase64Url, utf8 } from "../crypto/bytes.ts";
import type { Bytes } from "../crypto/bytes.ts";
import type { UploadSigner, UploadTarget } from "./blob-store.ts";

/** Where the signed routes of the embedded blobs lie, and the key that signs them. */
export interface SignedUrlOptions {
  /** As clients reach it, without a slash at the end: `http://127.0.0.1:8787/v1/blobs`. */
  baseUrl: string;
  key: Bytes;
}

export interface PutGrant {
  key: string;
  contentType: string;
  sizeBytes: number;
  sha256: string | null;
}

/** The signer of uploads for blobs on disk: what a presigned PUT is to a bucket. */
export function createUploadSigner({ baseUrl, key }: SignedUrlOptions): UploadSigner {
  return {
    async sign(target: UploadTarget) {
      const url = new URL(`${baseUrl}/${target.key}`);
      url.searchParams.set("expires", String(Math.floor(target.expiresAt.getTime() / 1000)));
      url.searchParams.set("size", String(target.sizeBytes));
      url.searchParams.set("type", target.contentType);
      if (target.sha256) url.searchParams.set("sha256", target.sha256);
      url.searchParams.set("signature", await signatureOf(key, "PUT", target.key, url.searchParams));
      return { url: url.href, headers: putHeaders(target) };
    },
    multipart: null,
  };
}

/** A URL that reads one blob until `expiresAt`. */
export async function signBlobRead(
  { baseUrl, key }: SignedUrlOptions,
  blobKey: string,
  expiresAt: Date,
): Promise<string> {
  const url = new URL(`${baseUrl}/${blobKey}`);
  url.searchParams.set("expires", String(Math.floor(expiresAt.getTime() / 1000)));
  url.searchParams.set("signature", await signatureOf(key, "GET", blobKey, url.searchParams));
  return url.href;
}

/** What a PUT may write, or null when the URL was not signed by `key`, was changed, or has expired. */
export async function verifyBlobPut(key: Bytes, request: SignedRequest): Promise<PutGrant | null> {
  if (!(await isSigned(key, "PUT", request))) return null;
  const { blobKey, query } = request;
  return {
    key: blobKey,
    contentType: query.get("type") ?? "",
    sizeBytes: Number(query.get("size")),
    sha256: query.get("sha256"),
  };
}

export async function verifyBlobRead(key: Bytes, request: SignedRequest): Promise<boolean> {
  return isSigned(key, "GET", request);
}

export interface SignedRequest {
  blobKey: string;
  query: URLSearchParams;
  now: Date;
}

async function isSigned(
  key: Bytes,
  method: "GET" | "PUT",
  { blobKey, query, now }: SignedRequest,
): Promise<boolean> {
  const expected = await signatureOf(key, method, blobKey, query);
  const isGenuine = constantTimeEqual(expected, query.get("signature") ?? "");
  return isGenuine && now.getTime() < Number(query.get("expires")) * 1000;
}

/** Over all that the URL says. JSON keeps the fields apart whatever they hold. */
async function signatureOf(
  key: Bytes,
  method: string,
  blobKey: string,
  query: URLSearchParams,
): Promise<string> {
  const fields = ["expires", "size", "type", "sha256"].map((name) => query.get(name));
  return toBase64Url(
    await hmacSha256(key, utf8(JSON.stringify(["earshot-blob-1", method, blobKey, ...fields]))),
  );
}

/** What a PUT of this target must send. */
export function putHeaders({ contentType, sizeBytes, sha256 }: UploadTarget): Record<string, string> {
  return {
    "content-type": contentType,
    "content-length": String(sizeBytes),
    ...(sha256 && { "x-amz-checksum-sha256": hexToBase64(sha256) }),
  };
}

/** As S3 wants a checksum in `x-amz-checksum-sha256`. */
export function hexToBase64(hex: string): string {
  return toBase64(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}
