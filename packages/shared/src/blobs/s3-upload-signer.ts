import type { MultipartUploads, SignedPart, UploadSigner, UploadTarget } from "./blob-store.ts";
import type { S3Bucket } from "./s3-bucket.ts";
import { beginMultipart, completeMultipart } from "./s3-multipart.ts";
import { putHeaders } from "./signed-urls.ts";

/** Of uploads by clients: few enough requests for 2 GiB, and small enough to send again. */
const PART_BYTES = 64 * 1024 ** 2;

/** Presigned PUTs to a bucket. Length, type and checksum are signed: other bytes than announced are refused there. */
export function createS3UploadSigner(bucket: S3Bucket, { partBytes = PART_BYTES } = {}): UploadSigner {
  return {
    async sign(target) {
      const headers = putHeaders(target);
      return { url: await bucket.presignPut(target.key, { headers, expiresAt: target.expiresAt }), headers };
    },
    multipart: multipartUploads(bucket, partBytes),
  };
}

function multipartUploads(bucket: S3Bucket, partBytes: number): MultipartUploads {
  return {
    partBytes,
    async begin(target) {
      const multipartId = await beginMultipart(bucket, target.key, { "content-type": target.contentType });
      const sizes = partSizes(target.sizeBytes, partBytes);
      const parts = sizes.map((sizeBytes, index) =>
        signPart(bucket, target, { multipartId, number: index + 1, sizeBytes }),
      );
      return { multipartId, parts: await Promise.all(parts) };
    },
    complete: (key, upload) => completeMultipart(bucket, key, upload),
  };
}

async function signPart(
  bucket: S3Bucket,
  { key, expiresAt }: UploadTarget,
  part: { multipartId: string; number: number; sizeBytes: number },
): Promise<SignedPart> {
  const { multipartId, number, sizeBytes } = part;
  const url = await bucket.presignPut(key, {
    headers: { "content-length": String(sizeBytes) },
    query: { partNumber: String(number), uploadId: multipartId },
    expiresAt,
  });
  return { number, sizeBytes, url };
}

function partSizes(sizeBytes: number, partBytes: number): number[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) =>
    Math.min(partBytes, sizeBytes - index * partBytes),
  );
}
