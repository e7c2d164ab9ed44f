import { AppError } from "../domain/errors.ts";
import type { ExpectedBytes } from "./blob-store.ts";

/**
 * Passes the chunks on and compares them with what was announced: too many bytes at the first that is too many, too few
 * or other ones at the end.
 * @throws AppError `input_mismatch` with `detail.field` `size` or `sha256`.
 */
export async function* checkBytes(
  chunks: AsyncIterable<Uint8Array>,
  expected: ExpectedBytes | undefined,
): AsyncGenerator<Uint8Array> {
  // Not loaded with this module: the start of a Worker pays for what its modules import, and few requests hash.
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.byteLength;
    if (expected && received > expected.sizeBytes) throw mismatch("size");
    if (expected?.sha256) hash.update(chunk);
    yield chunk;
  }
  if (expected && received !== expected.sizeBytes) throw mismatch("size");
  if (expected?.sha256 && hash.digest("hex") !== expected.sha256) throw mismatch("sha256");
}

function mismatch(field: "size" | "sha256"): AppError {
  return new AppError("input_mismatch", { detail: { field } });
}
