/** What `EARSHOT_BLOBS` says of a bucket: `s3://bucket?endpoint=https://…&region=…`. */
export interface S3Location {
  /** Without a slash at the end. */
  bucketUrl: string;
  region: string;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * Without an endpoint the bucket is one of AWS; with one (R2, MinIO, …) it is the first segment of the path.
 * @throws TypeError for another form, and for plain http to another machine.
 */
export function parseS3Location(location: string): S3Location {
  const url = new URL(location);
  if (url.protocol !== "s3:" || !BUCKET.test(url.hostname) || !["", "/"].includes(url.pathname)) {
    throw new TypeError("a bucket is s3://name?endpoint=…&region=…");
  }
  const region = url.searchParams.get("region") ?? "us-east-1";
  const endpoint = url.searchParams.get("endpoint");
  if (endpoint === null) return { bucketUrl: `https://${url.hostname}.s3.${region}.amazonaws.com`, region };
  return { bucketUrl: `${checkedEndpoint(endpoint)}/${url.hostname}`, region };
}

function checkedEndpoint(endpoint: string): string {
  const { protocol, hostname, href } = new URL(endpoint);
  const isLoopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback)) {
    throw new TypeError("the endpoint of a bucket must be https");
  }
  return href.replace(/\/+$/, "");
}
