import { once } from "node:events";
import { Readable } from "node:stream";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { isEmptyDatabase, loadInto } from "@earshot/shared/db/dump";
import type { DumpedTable } from "@earshot/shared/db/dump";
import { migrate } from "@earshot/shared/db/migrate";
import { readArchive, textOf } from "./archive.ts";
import type { ArchiveEntry } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import { Manifest, parseEntry } from "./layout.ts";

export interface BackupContents {
  manifest: Manifest;
  files: number;
  bytes: number;
  blobs: number;
  keys: string[];
}

/** Reads all of it, and changes nothing. @throws BackupError when it is not whole. */
export async function verifyBackup(file: string, identity: string | null): Promise<BackupContents> {
  let manifest: Manifest | null = null;
  const keys: string[] = [];
  let blobs = 0;
  const { files, bytes } = await readArchive(file, identity, async ({ name, content }) => {
    const entry = parseEntry(name);
    if (entry.kind === "key") keys.push(entry.name);
    if (entry.kind === "blob") blobs += 1;
    if (entry.kind === "manifest") manifest = readManifest(await textOf(content));
    for await (const _ of content);
  });
  if (manifest === null) throw new BackupError(`${file} has no manifest`);
  return { manifest, files, bytes, blobs, keys };
}

function readManifest(text: string): Manifest {
  const parsed = Manifest.safeParse(JSON.parse(text));
  if (!parsed.success) throw new BackupError("this is no backup that this version of Earshot reads");
  return parsed.data;
}

export interface RestoreTarget {
  sql: OpenDatabase["sql"];
  migrations: string;
  blobs: BlobStore;
  /** Takes a file of the home that the backup holds. */
  keepKey(name: string, content: string): Promise<void>;
}

/**
 * Into an empty database: its form as of the backup, its rows in one transaction, and then whatever has changed since.
 * @throws BackupError, before anything is written, when the backup is not whole or the database is not empty.
 */
export async function restoreBackup(
  file: string,
  identity: string | null,
  { sql, migrations, blobs, keepKey }: RestoreTarget,
): Promise<BackupContents> {
  const contents = await verifyBackup(file, identity);
  const { manifest } = contents;
  const version = manifest.migrations.at(-1)?.version ?? 0;
  await migrate(sql, migrations, { through: version });
  if (!(await isEmptyDatabase(sql)))
    throw new BackupError("the database is not empty: a restore is into an empty one");
  const tables = new Map(manifest.tables.map((table) => [table.name, table]));
  await loadInto(sql, async ({ rowsInto, migrations: applied }) => {
    if (JSON.stringify(applied) !== JSON.stringify(manifest.migrations))
      throw new BackupError(
        `the backup is of migration ${version}, and the database is not, or its migrations were others`,
      );
    const rows = new RowWriter(rowsInto);
    await readArchive(file, identity, async (archived) => {
      const entry = parseEntry(archived.name);
      if (entry.kind === "rows") return rows.write(requireTable(tables, entry.table), archived);
      if (entry.kind === "key") return keepKey(entry.name, await textOf(archived.content));
      if (entry.kind === "blob") {
        const { size: sizeBytes, content } = archived;
        const body = Readable.toWeb(Readable.from(content, { objectMode: false }));
        return blobs.write(entry.key, body as ReadableStream<Uint8Array>, { sizeBytes, sha256: null });
      }
      for await (const _ of archived.content);
    });
    await rows.end();
  });
  await migrate(sql, migrations);
  return contents;
}

function requireTable(tables: ReadonlyMap<string, DumpedTable>, name: string): DumpedTable {
  const table = tables.get(name);
  if (table === undefined) throw new BackupError(`the backup has rows of ${name}, and no such table`);
  return table;
}

/** A table's files are one COPY: rows of it may refer to each other. */
class RowWriter {
  readonly #open: (table: DumpedTable) => Promise<Writable>;
  #table: string | null = null;
  #copy: Writable | null = null;

  constructor(open: (table: DumpedTable) => Promise<Writable>) {
    this.#open = open;
  }

  async write(table: DumpedTable, { content }: ArchiveEntry): Promise<void> {
    if (this.#table !== table.name) {
      await this.end();
      this.#table = table.name;
      this.#copy = await this.#open(table);
    }
    for await (const part of content) {
      if (this.#copy?.write(part) === false) await once(this.#copy, "drain");
    }
  }

  async end(): Promise<void> {
    if (this.#copy === null) return;
    const done = finished(this.#copy);
    this.#copy.end();
    await done;
    this.#copy = null;
  }
}
