import type { Readable } from "node:stream";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { withSnapshot } from "@earshot/shared/db/dump";
import type { Snapshot } from "@earshot/shared/db/dump";
import { writeArchive } from "./archive.ts";
import type { ArchiveWriter } from "./archive.ts";
import { BLOBS, blobEntry, keyEntry, MANIFEST, rowsEntry } from "./layout.ts";
import type { Manifest } from "./layout.ts";

export interface BackupSource {
  sql: OpenDatabase["sql"];
  blobs: BlobStore;
  /** Whether the blobs themselves are taken along, or their keys and sizes alone. */
  withBlobs: boolean;
  /** Files of the home by their names: what opens what is sealed. */
  keys: ReadonlyMap<string, string>;
}

export interface BackupSummary {
  tables: number;
  blobs: number;
  blobBytes: number;
  /** That rows name and that are not there: deleted since that moment, or lost. */
  missingBlobs: number;
}

/** Rows go into files of this size: that much is in memory at once, however large a table is. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** All that is there, as it was at one moment; blobs that were deleted since are left out. */
export function writeBackup(
  file: string,
  recipients: readonly string[],
  { sql, blobs, withBlobs, keys }: BackupSource,
): Promise<BackupSummary> {
  return withSnapshot(sql, async (snapshot) => {
    const summary: BackupSummary = {
      tables: snapshot.tables.length,
      blobs: 0,
      blobBytes: 0,
      missingBlobs: 0,
    };
    const manifest: Manifest = {
      format: "earshot-backup",
      version: 1,
      created_at: new Date().toISOString(),
      migrations: snapshot.migrations,
      tables: snapshot.tables,
    };
    await writeArchive(file, recipients, async (archive) => {
      await archive.add(MANIFEST, Buffer.from(JSON.stringify(manifest)));
      for (const [name, content] of keys) await archive.add(keyEntry(name), Buffer.from(content));
      for (const table of snapshot.tables) {
        let part = 0;
        for await (const chunk of chunksOf(await snapshot.rowsOf(table)))
          await archive.add(rowsEntry(table.name, part++), chunk);
      }
      await addBlobs(archive, snapshot, { blobs, withBlobs }, summary);
    });
    return summary;
  });
}

async function addBlobs(
  archive: ArchiveWriter,
  snapshot: Snapshot,
  { blobs, withBlobs }: Pick<BackupSource, "blobs" | "withBlobs">,
  summary: BackupSummary,
): Promise<void> {
  let page = 0;
  for await (const keys of snapshot.blobKeys()) {
    const lines: string[] = [];
    for (const key of keys) {
      const size = await blobs.size(key);
      if (size === null || (withBlobs && !(await addBlob(archive, blobs, { key, size })))) {
        summary.missingBlobs += 1;
        continue;
      }
      lines.push(`${JSON.stringify({ key, size })}\n`);
      summary.blobs += 1;
      summary.blobBytes += size;
    }
    await archive.add(`${BLOBS}${page++}.jsonl`, Buffer.from(lines.join("")));
  }
}

/** @returns false when it was deleted a moment ago. */
async function addBlob(
  archive: ArchiveWriter,
  blobs: BlobStore,
  { key, size }: { key: string; size: number },
): Promise<boolean> {
  const content = await blobs.read(key).catch(async (error: unknown) => {
    if ((await blobs.size(key)) === null) return null;
    throw error;
  });
  if (content === null) return false;
  await archive.stream({ name: blobEntry(key), size }, content);
  return true;
}

async function* chunksOf(rows: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of rows as AsyncIterable<Buffer>) {
    // The driver's own buffer is used again.
    parts.push(Buffer.from(part));
    bytes += part.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    [parts, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(parts);
}
