import * as z from "zod";

/** What lies where in a backup, in this order. */
export const MANIFEST = "manifest.json";
const KEYS = "keys/";
const ROWS = "rows/";
/** Which blobs there were. */
export const BLOBS = "blobs-";
const BLOB = "blobs/";

const Migration = z.object({ version: z.int(), name: z.string(), sha256: z.string() });
const Table = z.object({ name: z.string(), columns: z.array(z.string()) });

export const Manifest = z.object({
  format: z.literal("earshot-backup"),
  version: z.literal(1),
  created_at: z.iso.datetime(),
  migrations: z.array(Migration).min(1),
  tables: z.array(Table),
});
export type Manifest = z.output<typeof Manifest>;

export function keyEntry(name: string): string {
  return KEYS + name;
}

export function rowsEntry(table: string, part: number): string {
  return `${ROWS}${table}/${part}.copy`;
}

export function blobEntry(key: string): string {
  return BLOB + key;
}

export type Entry =
  | { kind: "manifest" }
  | { kind: "key"; name: string }
  | { kind: "rows"; table: string }
  | { kind: "blob"; key: string }
  | { kind: "blob list" };

/** @throws Error for a name that no backup has. */
export function parseEntry(name: string): Entry {
  if (name === MANIFEST) return { kind: "manifest" };
  if (name.startsWith(KEYS)) return { kind: "key", name: name.slice(KEYS.length) };
  if (name.startsWith(BLOB)) return { kind: "blob", key: name.slice(BLOB.length) };
  if (name.startsWith(BLOBS)) return { kind: "blob list" };
  const [, table] = /^rows\/(\w+)\/\d+\.copy$/.exec(name) ?? [];
  if (table === undefined) throw new Error(`a backup holds no ${name}`);
  return { kind: "rows", table };
}
