import { constantTimeEqual, fromBase64, hmacSha256, toBase64, toBase64Url, utf8 } from "../crypto/bytes.ts";
import type { Bytes } from "../crypto/bytes.ts";
import type { UploadSigner, UploadTarget } from "./blob-store.ts";

/** The first signs, each opens: a rotation ends no URL that was handed out. */
export type UrlKeys = readonly [Bytes, ...Bytes[]];

/** `base64[,base64…]` of 32 bytes or more each. @throws TypeError for anything else */
export function parseUrlKeys(text: string): UrlKeys {
  const [first, ...others] = text.split(",").map(parseUrlKey);
  if (first === undefined) throw new TypeError("there is no key");
  return [first, ...others];
}

function parseUrlKey(text: string): Bytes {
  const key = fromBase64(text.trim());
  if (key.length < 32) throw new TypeError("the key is too short");
  return key;
}

/** Where uploads are put, and the keys that sign their URLs. */
export interface SignedUrlOptions {
  /** As clients reach it, without a slash at the end: `http://127.0.0.1:8787/v1/blobs`. */
  baseUrl: string;
  keys: UrlKeys;
}

export interface PutGrant {
  key: string;
  contentType: string;
  sizeBytes: number;
  sha256: string | null;
}

/** The signer of uploads for blobs on disk: what a presigned PUT is to a bucket. */
export function createUploadSigner({ baseUrl, keys: [key] }: SignedUrlOptions): UploadSigner {
  return {
    async sign(target: UploadTarget) {
      const url = new URL(`${baseUrl}/${target.key}`);
      url.searchParams.set("expires", String(Math.floor(target.expiresAt.getTime() / 1000)));
      url.searchParams.set("size", String(target.sizeBytes));
      url.searchParams.set("type", target.contentType);
      if (target.sha256) url.searchParams.set("sha256", target.sha256);
      url.searchParams.set("signature", await signatureOf(key, target.key, url.searchParams));
      return { url: url.href, headers: putHeaders(target) };
    },
    multipart: null,
  };
}

export interface SignedRequest {
  blobKey: string;
  query: URLSearchParams;
  now: Date;
}

/** What a PUT may write, or null when the URL was signed by none of the keys, was changed, or has expired. */
export async function verifyBlobPut(keys: UrlKeys, request: SignedRequest): Promise<PutGrant | null> {
  const { blobKey, query, now } = request;
  const signature = query.get("signature") ?? "";
  const genuine = await Promise.all(keys.map((key) => signatureOf(key, blobKey, query)));
  if (!genuine.some((expected) => constantTimeEqual(expected, signature))) return null;
  if (now.getTime() >= Number(query.get("expires")) * 1000) return null;
  return {
    key: blobKey,
    contentType: query.get("type") ?? "",
    sizeBytes: Number(query.get("size")),
    sha256: query.get("sha256"),
  };
}

/** Over all that the URL says. JSON keeps the fields apart whatever they hold. */
async function signatureOf(key: Bytes, blobKey: string, query: URLSearchParams): Promise<string> {
  const fields = ["expires", "size", "type", "sha256"].map((name) => query.get(name));
  return toBase64Url(
    await hmacSha256(key, utf8(JSON.stringify(["earshot-blob-1", "PUT", blobKey, ...fields]))),
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
