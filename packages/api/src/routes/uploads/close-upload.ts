import { AppError } from "@earshot/shared/domain/errors";
import { completeUpload } from "@earshot/shared/db/uploads";
import type { Upload } from "@earshot/shared/db/uploads";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../problem.ts";
import { recognisedAs } from "./not-audio.ts";

const HEAD_BYTES = 64;

/**
 * Closes an open upload whose bytes are there. The hash was checked while they arrived, and the worker checks it again.
 * `pointer` is where the request names the upload.
 * @throws AppError `conflict` when the bytes are missing or of another size, `validation_failed` when they are no audio.
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
  const kind = recognisedAs(await blobs.head(upload.blobKey, HEAD_BYTES));
  if (kind !== null) throw invalid(pointer, `The file is ${kind}, not audio.`, "not_audio");
  await completeUpload(db, upload.accountId, upload.id);
}
