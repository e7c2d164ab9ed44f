import { createHash } from "node:crypto";
import { createReadStream, openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Earshot } from "@earshot/sdk";
import { AppError } from "@earshot/shared/domain/errors";
import { putFile } from "./put-file.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".aac": "audio/aac",
  ".aif": "audio/aiff",
  ".aiff": "audio/aiff",
  ".flac": "audio/flac",
  ".m4a": "audio/mp4",
  ".mka": "audio/x-matroska",
  ".mp3": "audio/mpeg",
  ".mp4": "audio/mp4",
  ".oga": "audio/ogg",
  ".ogg": "audio/ogg",
  ".opus": "audio/ogg",
  ".wav": "audio/wav",
  ".webm": "audio/webm",
  ".wma": "audio/x-ms-wma",
};

/**
 * Brings a file to where the API wants it, and answers the upload's id. `onProgress` gets the part that was sent, 0 to 1.
 * @throws AppError `input_unreachable` when there is no such file, and as the SDK does.
 */
export async function uploadFile(
  earshot: Earshot,
  file: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<string> {
  await requireFile(file);
  const { id } = await earshot.uploads.create(await openAsBlob(file), {
    filename: basename(file),
    contentType: contentTypeOf(file),
    sha256: await hashFile(file, signal),
    onProgress: ({ sentBytes, totalBytes }) => onProgress(sentBytes / totalBytes),
    // Fetch tells nothing of a request's progress.
    put: (slice) => putFile(file, slice),
    signal,
  });
  return id;
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  throw new AppError("input_unreachable", { message: `There is no file ${file}.`, detail: { file } });
}

/** SHA-256, in lower-case hex. */
export async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, { signal });
  return hash.digest("hex");
}

function contentTypeOf(file: string): string {
  return CONTENT_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
}
