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
import type { FilePut } from "./put-file.ts";
import { putParts } from "./put-parts.ts";
import { withRetries } from "./retry.ts";

const head = z.object({ id: z.string(), headers: z.record(z.string(), z.string()) });
const part = z.object({ number: z.int(), size: z.int(), put_url: z.url() });

/** A file goes to one URL, or in parts to several where it is large and the API's store wants that. */
const upload = z.union([
  head.extend({ put_url: z.url() }),
  head.extend({ multipart_id: z.string(), parts: z.array(part) }),
]);

type Upload = z.output<typeof upload>;

// A store takes its time to make one file of many parts.
const JOIN_TIMEOUT_MS = 120_000;

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
  const target = upload.parse(answer);
  await send(connection, target, { file, size, onProgress: (bytes) => onProgress(bytes / size) }, signal);
  return target.id;
}

type LocalFile = Pick<FilePut, "file" | "size" | "onProgress">;

async function send(
  connection: ApiConnection,
  target: Upload,
  local: LocalFile,
  signal: AbortSignal,
): Promise<void> {
  const { retry } = connection;
  const { id, headers } = target;
  if ("put_url" in target) {
    const put = { ...local, url: target.put_url, headers, start: 0 };
    await withRetries(() => putFile(put, signal), retry, signal);
    return;
  }
  const parts = await putParts({ ...local, parts: target.parts, headers, retry }, signal);
  const path = `/v1/uploads/${encodeURIComponent(id)}/complete`;
  const body = { multipart_id: target.multipart_id, parts };
  await callApi(connection, { method: "POST", path, body, timeoutMs: JOIN_TIMEOUT_MS }, signal);
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
