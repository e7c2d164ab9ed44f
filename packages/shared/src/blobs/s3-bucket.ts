import { AwsClient } from "aws4fetch";
import type { AwsCredentials } from "../aws-credentials.ts";
import { unavailable } from "../domain/errors.ts";
import type { Bytes } from "../crypto/bytes.ts";
import type { S3Location } from "./s3-location.ts";

/** Signed requests (AWS Signature V4) to one bucket, by fetch and Web Crypto alone: it runs at the edge too. */
export interface S3Bucket {
  /** Tries again where the bucket is overloaded. Answers of any status are returned. */
  request(method: string, key: string, options?: S3RequestOptions): Promise<Response>;
  /** A URL that lets whoever holds it PUT this key with exactly these headers, until `expiresAt`. */
  presignPut(key: string, options: PresignOptions): Promise<string>;
}

export interface S3RequestOptions {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Bytes | string;
}

export interface PresignOptions {
  headers: Record<string, string>;
  query?: Record<string, string>;
  expiresAt: Date;
}

const RETRIES = 2;

/** From the first byte that is sent to the head of the answer. */
const PATIENCE_MS = 60_000;

/** Those that are lent for a while are asked for at each request. */
export type BucketCredentials = AwsCredentials | (() => AwsCredentials);

export function openBucket(location: S3Location, credentials: BucketCredentials): S3Bucket {
  const { bucketUrl, region } = location;
  const clientOf = (lent: AwsCredentials) =>
    new AwsClient({ ...lent, service: "s3", region, retries: RETRIES });
  const client =
    typeof credentials === "function" ? () => clientOf(credentials()) : always(clientOf(credentials));
  return {
    request(method, key, { query = {}, headers = {}, body } = {}) {
      const url = urlOf(bucketUrl, key, query);
      const init = { method, headers, ...(body !== undefined && { body }) };
      return withinPatience((signal) => client().fetch(url, { ...init, signal }));
    },
    async presignPut(key, { headers, query = {}, expiresAt }) {
      const seconds = Math.max(1, Math.floor((expiresAt.getTime() - Date.now()) / 1000));
      const url = urlOf(bucketUrl, key, { ...query, "X-Amz-Expires": String(seconds) });
      // `allHeaders`: the length and the type are signed, too, and bind the one who PUTs.
      const aws = { signQuery: true, allHeaders: true };
      return (await client().sign(url, { method: "PUT", headers, aws })).url;
    },
  };
}

function always<T>(value: T): () => T {
  return () => value;
}

/** An answer that no route expects. Its message holds S3's own code, never the URL: that may be signed. */
export async function s3Failure(what: string, response: Response): Promise<Error> {
  const code = textOf(await response.text(), "Code") ?? "no code";
  return bucketRefusal(what, response.status, code);
}

/** @throws AppError `unavailable` where the bucket says that it is the one at fault */
export function bucketRefusal(what: string, status: number, code: string): Error {
  const refusal = new Error(`the bucket refused to ${what}: ${status} ${code}`);
  return status < 500 ? refusal : unavailable(refusal);
}

/** The text of the first element of this name in S3's flat XML, or null. */
export function textOf(xml: string, element: string): string | null {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? null;
}

/** Once the head of the answer is there, its body may take as long as it takes. @throws AppError `unavailable` without an answer */
async function withinPatience(send: (signal: AbortSignal) => Promise<Response>): Promise<Response> {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(new Error("the bucket did not answer")), PATIENCE_MS);
  try {
    return await send(impatience.signal).catch(unavailable);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(bucketUrl: string, key: string, query: Record<string, string>): string {
  const url = new URL(`${bucketUrl}/${key.split("/").map(encodeURIComponent).join("/")}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
