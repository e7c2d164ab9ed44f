import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { completeUpload, insertUpload } from "@earshot/shared/db/uploads";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { AppContext } from "../../env.ts";
import { refuseUnlessAudio } from "../uploads/audio-container.ts";

/** @returns its SHA-256, in hex. */
export async function checkFile(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  refuseUnlessAudio(bytes, "/file");
  return sha256Hex(bytes);
}

/** The row comes first: whatever happens then, the sweep finds the file. */
export async function storeFile(
  c: AppContext,
  { db, blobs }: Pick<Deps, "db" | "blobs">,
  id: string,
  file: File,
  sha256: string,
): Promise<void> {
  const { accountId } = c.var.principal;
  const upload = await insertUpload(db, {
    id,
    accountId,
    filename: filenameOf(file),
    contentType: /^[\w!#$&^.+/-]{1,127}$/.test(file.type) ? file.type : "application/octet-stream",
    sizeBytes: file.size,
    sha256,
    // Nobody else may write it: no URL was signed.
    openSeconds: 0,
  });
  note(c, { upload_id: id });
  await blobs.write(upload.blobKey, file.stream(), { sizeBytes: file.size, sha256 });
  await completeUpload(db, accountId, id);
}

function filenameOf({ name }: File): string {
  const printable = name.replaceAll(/\p{Cc}/gu, "");
  return printable.slice(0, 255).toWellFormed() || "file";
}
