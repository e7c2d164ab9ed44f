import { doc } from "@earshot/shared/domain/doc";
import type { UploadSigner } from "@earshot/shared/blobs/blob-store";
import type { Upload } from "@earshot/shared/db/uploads";
import * as z from "zod";

const UploadPart = z.object({
  number: z.int().describe(doc("From 1.")),
  size: z.int().describe(doc("Bytes that this part has.")),
  put_url: z.url(),
});

/** Where a file goes: to one URL, or in parts to several. */
export const UPLOAD_TARGETS = {
  put_url: z.url().optional(),
  headers: z.record(z.string(), z.string()).describe(doc("Sent with the PUT as they are: they are signed.")),
  multipart_id: z.string().optional().describe(doc("Named again when the parts are completed.")),
  parts: z.array(UploadPart).optional().describe(doc("Of a large file: PUT each part to its own URL.")),
};

type UploadTargets = z.output<z.ZodObject<typeof UPLOAD_TARGETS>>;

/** Signs one PUT, or one for each part where the store wants a file of this size in parts. */
export async function signUpload(signer: UploadSigner, upload: Upload): Promise<UploadTargets> {
  const target = { ...upload, key: upload.blobKey, expiresAt: upload.putExpiresAt };
  if (signer.multipart === null || upload.sizeBytes <= signer.multipart.partBytes) {
    const { url, headers } = await signer.sign(target);
    return { put_url: url, headers };
  }
  const { multipartId, parts } = await signer.multipart.begin(target);
  return {
    headers: {},
    multipart_id: multipartId,
    parts: parts.map(({ number, sizeBytes, url }) => ({ number, size: sizeBytes, put_url: url })),
  };
}
