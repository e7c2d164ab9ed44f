import { gzipSync } from "node:zlib";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { newEnvelope, parseResultSealKey, resultSealKeyOf } from "@earshot/shared/crypto/result-keys";
import type { ResultKeys, ResultSealKey } from "@earshot/shared/crypto/result-keys";
import { sealingStream, through } from "@earshot/shared/crypto/sealed-stream";
import type { NewTaskResult } from "@earshot/shared/db/jobs/finish-job";
import type { ResultRoom } from "./suites/front-door.ts";
import { inBlob as blobResult, succeeded } from "./worker-stand-in.ts";

/** What a worker stores of speech: in its row, or zipped in a blob. */
export async function sealedResult(
  { blobs, resultSealKey }: ResultRoom,
  jobId: string,
  text: string,
  inBlob: boolean,
  task: NewTaskResult["task"] = "speech.segments",
): Promise<NewTaskResult> {
  const { key, sealedKey } = await newEnvelope(resultSealKey, `${jobId} ${task}`);
  const keys = { keyId: resultSealKey.id, sealedKey };
  const bytes = inBlob ? gzipped(text) : new TextEncoder().encode(text);
  const sealed = await through(sealingStream(key), bytes);
  if (!inBlob) return { ...succeeded(task, toBase64(sealed)), ...keys };
  const blobKey = `results/${jobId}/1/${task}.json.gz.sealed`;
  await blobs.write(blobKey, new Blob([sealed]).stream());
  return { ...blobResult(task, blobKey), ...keys };
}

export async function sealKeyOf(keys: ResultKeys | null): Promise<ResultSealKey> {
  if (keys === null) throw new Error("no result is sealed here");
  return parseResultSealKey(await resultSealKeyOf(keys[0]));
}

export function gzipped(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(text));
}
