import { fileURLToPath } from "node:url";
import type { BlobStore } from "./blob-store.ts";
import { openDiskBlobs } from "./disk-blobs.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { openBucket } from "./s3-bucket.ts";
import type { BucketCredentials } from "./s3-bucket.ts";
import { parseS3Location } from "./s3-location.ts";

/**
 * Opens what `EARSHOT_BLOBS` names: `file:///directory` or `s3://bucket?endpoint=…&region=…`. On Node; the edge opens
 * its bucket itself.
 * @throws TypeError for any other scheme, and for a bucket without credentials.
 */
export async function openBlobs(
  location: string,
  credentials: BucketCredentials | null = null,
): Promise<BlobStore> {
  const url = new URL(location);
  if (url.protocol === "file:") return openDiskBlobs(fileURLToPath(url));
  if (url.protocol !== "s3:") throw new TypeError(`blobs cannot lie at ${url.protocol}`);
  if (credentials === null) throw new TypeError("a bucket needs credentials");
  return openS3Blobs(openBucket(parseS3Location(location), credentials));
}
