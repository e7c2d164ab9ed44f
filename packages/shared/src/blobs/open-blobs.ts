import { fileURLToPath } from "node:url";
import type { BlobStore } from "./blob-store.ts";
import { openDiskBlobs } from "./disk-blobs.ts";

/** Opens what `EARSHOT_BLOBS` names: `file:///directory`. @throws TypeError for any other scheme. */
export async function openBlobs(location: string): Promise<BlobStore> {
  const url = new URL(location);
  if (url.protocol !== "file:") throw new TypeError(`blobs cannot lie at ${url.protocol}`);
  return openDiskBlobs(fileURLToPath(url));
}
