import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of a file's bytes in lower-case hex, read as a stream. */
export async function hashFile(file: string, { signal }: { signal: AbortSignal }): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
