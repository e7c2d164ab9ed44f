import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Earshot } from "@earshot/sdk";
import { AppError } from "@earshot/shared/domain/errors";
import { hashFile } from "@earshot/worker/input/hash";
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
 * Brings a file to where the API wants it, and answers the upload's id. `onProgress` gets the part that was sent, 0 to 1. Who
 * has the file's SHA-256 already gives it: it is not read for that again.
 * @throws AppError `input_unreachable` when there is no such file, and as the SDK does.
 */
export async function uploadFile(
  earshot: Earshot,
  file: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
  sha256?: string,
): Promise<string> {
  await requireFile(file);
  const { id } = await earshot.uploads.create(await openAsBlob(file), {
    filename: basename(file),
    contentType: contentTypeOf(file),
    sha256: sha256 ?? (await hashFile(file, { signal })),
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

function contentTypeOf(file: string): string {
  return CONTENT_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
}
