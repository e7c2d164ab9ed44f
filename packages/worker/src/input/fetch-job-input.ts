import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { Database } from "@earshot/shared/db/database";
import type { Job } from "@earshot/shared/db/jobs/job";
import type { Upload } from "@earshot/shared/db/uploads";
import { readUpload } from "@earshot/shared/db/uploads";
import { AppError } from "@earshot/shared/domain/errors";
import { fetchInput } from "../egress/fetch-input.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";
import { persist } from "../persist.ts";

export interface JobInput {
  file: string;
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
}

export interface FetchJobInputOptions {
  db: Database;
  blobs: BlobStore;
  policy: EgressPolicy;
  maxBytes: number;
  /** A directory of this job alone. */
  directory: string;
  signal: AbortSignal;
}

// The longest silence of a server that sends an input.
const STALL_MS = 30_000;

/**
 * Brings a job's input, upload or URL, into a file and hashes it on the way.
 * @throws AppError `input_unreachable`, `input_forbidden`, `input_too_large`, `input_mismatch`.
 */
export async function fetchJobInput(job: Job, options: FetchJobInputOptions): Promise<JobInput> {
  const file = join(options.directory, "input");
  if (job.inputUrl !== null) {
    const { policy, maxBytes, signal } = options;
    const fetched = await fetchInput(job.inputUrl, {
      policy,
      maxBytes,
      signal,
      toFile: file,
      stallMs: STALL_MS,
    });
    return { file, ...fetched };
  }
  const upload = await findUploadOf(job, options);
  if (upload === null) throw new AppError("input_unreachable", { detail: { reason: "no_upload" } });
  const copied = await copyBlob(upload, file, options);
  refuseOtherFile(upload, copied);
  return { file, ...copied };
}

async function findUploadOf({ uploadId }: Job, { db, signal }: FetchJobInputOptions): Promise<Upload | null> {
  return uploadId === null ? null : persist(() => readUpload(db, uploadId), signal);
}

async function copyBlob(
  upload: Upload,
  file: string,
  { blobs, signal }: FetchJobInputOptions,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const body = await blobs.read(upload.blobKey).catch((cause: unknown) => {
    throw new AppError("input_unreachable", { detail: { reason: "no_blob" }, cause });
  });
  await using target = await open(file, "w", 0o600);
  for await (const chunk of body) {
    signal.throwIfAborted();
    bytes += chunk.byteLength;
    hash.update(chunk);
    await target.appendFile(chunk);
  }
  return { bytes, sha256: hash.digest("hex") };
}

function refuseOtherFile(upload: Upload, found: { bytes: number; sha256: string }): void {
  const isSame =
    found.bytes === upload.sizeBytes && (upload.sha256 === null || upload.sha256 === found.sha256);
  if (isSame) return;
  throw new AppError("input_mismatch", {
    detail: { announced: { bytes: upload.sizeBytes, sha256: upload.sha256 }, found },
  });
}
