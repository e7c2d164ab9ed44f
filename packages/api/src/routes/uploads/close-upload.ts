import { AppError } from "@earshot/shared/domain/errors";
import { completeUpload } from "@earshot/shared/db/uploads";
import type { Upload } from "@earshot/shared/db/uploads";
import type { Deps } from "../../deps.ts";
import { HEAD_BYTES, refuseUnlessAudio } from "./audio-container.ts";

/**
 * Closes an open upload whose bytes are there. The hash was checked while they arrived, and the worker checks it again.
 * `pointer` is where the request names the upload.
 * @throws AppError `conflict` when the bytes are missing or of another size, `unsupported_media` when they are no audio.
 */
export async function closeUpload(
  { db, blobs }: Pick<Deps, "db" | "blobs">,
  upload: Upload,
  pointer: string,
): Promise<void> {
  if (upload.status === "complete") return;
  const size = await blobs.size(upload.blobKey);
  if (size === null) throw new AppError("conflict", { message: "The file was not uploaded yet." });
  if (size !== upload.sizeBytes)
    throw new AppError("conflict", { message: "The file is not of the announced size." });
  refuseUnlessAudio(await blobs.head(upload.blobKey, HEAD_BYTES), pointer);
  await completeUpload(db, upload.accountId, upload.id);
}
