import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { openBucket } from "@earshot/shared/blobs/s3-bucket";
import { parseS3Location } from "@earshot/shared/blobs/s3-location";
import { createS3UploadSigner } from "@earshot/shared/blobs/s3-upload-signer";
import { createUploadSigner } from "@earshot/shared/blobs/signed-urls";
import type { ApiConfig } from "./config.ts";
import type { Deps } from "./deps.ts";
import { BLOBS_PATH, putBlob } from "./routes/blobs/put.ts";

type BlobConfig = Pick<ApiConfig, "blobs" | "blobsCredentials" | "publicUrl" | "urlKeys">;

/** Where blobs lie and how clients bring them: to a bucket themselves, or to a directory through our own route. */
export async function openBlobRoom(
  config: BlobConfig,
): Promise<Pick<Deps, "blobs" | "uploadSigner" | "putBlob">> {
  const { blobsCredentials, publicUrl, urlKeys: keys } = config;
  const blobs = await openBlobs(config.blobs, blobsCredentials);
  if (blobsCredentials === null || !config.blobs.startsWith("s3:")) {
    const uploadSigner = createUploadSigner({ baseUrl: `${publicUrl}${BLOBS_PATH}`, keys });
    return { blobs, uploadSigner, putBlob: putBlob(keys) };
  }
  const bucket = openBucket(parseS3Location(config.blobs), blobsCredentials);
  return { blobs, uploadSigner: createS3UploadSigner(bucket), putBlob: null };
}
