import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "@earshot/shared/domain/errors";
import * as z from "zod";
import { callApi } from "./api-client.ts";
import type { ApiConnection } from "./api-client.ts";
import { putFile } from "./put-file.ts";
import { withRetries } from "./retry.ts";

const upload = z.object({ id: z.string(), put_url: z.url(), headers: z.record(z.string(), z.string()) });

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
 * @throws AppError `input_unreachable` when there is no such file, and as `callApi` does.
 */
export async function uploadFile(
  connection: ApiConnection,
  file: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const size = await sizeOf(file);
  const body = {
    filename: basename(file),
    content_type: contentTypeOf(file),
    size,
    sha256: await hashOf(file, signal),
  };
  const answer = await callApi(connection, { method: "POST", path: "/v1/uploads", body }, signal);
  const { id, put_url: url, headers } = upload.parse(answer);
  const put = { url, headers, file, size, onProgress: (bytes: number) => onProgress(bytes / size) };
  await withRetries(() => putFile(put, signal), connection.retry, signal);
  return id;
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new AppError("input_unreachable", { message: `There is no file ${file}.`, detail: { file } });
  }
  return found.size;
}

async function hashOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, { signal });
  return hash.digest("hex");
}

function contentTypeOf(file: string): string {
  return CONTENT_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
}
