import { doc } from "@earshot/shared/domain/doc";
import type { Upload } from "@earshot/shared/db/uploads";
import * as z from "zod";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../problem.ts";

const MOST_PARTS = 10_000;

export const UploadedParts = z
  .strictObject({
    multipart_id: z.string().min(1).max(2048).optional(),
    parts: z
      .array(z.strictObject({ number: z.int().min(1).max(MOST_PARTS), etag: z.string().min(1).max(256) }))
      .min(1)
      .max(MOST_PARTS)
      .optional(),
  })
  .refine(
    ({ multipart_id: id, parts }) => (id === undefined) === (parts === undefined),
    "Give multipart_id and parts, or neither",
  )
  .meta({ id: doc("UploadedParts") });

export type UploadedParts = z.output<typeof UploadedParts>;

/**
 * Makes one file of the parts of an upload. Once it is one, a repeat does nothing.
 * @throws AppError `conflict` when the store has other parts, `validation_failed` when some are not named.
 */
export async function joinParts(
  { blobs, uploadSigner }: Pick<Deps, "blobs" | "uploadSigner">,
  upload: Upload,
  { multipart_id: multipartId, parts }: UploadedParts,
): Promise<void> {
  if (multipartId === undefined || parts === undefined || upload.status === "complete") return;
  const { multipart } = uploadSigner;
  if (multipart === null) throw invalid("/parts", "This upload has no parts.");
  const count = Math.ceil(upload.sizeBytes / multipart.partBytes);
  const numbers = new Set(parts.map(({ number }) => number));
  // The store would join what is named, and the file could not be sent again.
  if (parts.length !== count || numbers.size !== count || Math.max(...numbers) !== count) {
    throw invalid("/parts", `The upload has the parts 1 to ${count}.`);
  }
  if ((await blobs.size(upload.blobKey)) === null) {
    await multipart.complete(upload.blobKey, { multipartId, parts });
  }
}
