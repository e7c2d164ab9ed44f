import { basename } from "node:path";
import { COLUMNS } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { Row } from "./read-rows.ts";

/** A text of lines: some before all files, and some for each. */
interface LineFormat {
  head: readonly string[];
  lines(row: Row): string[];
}

export const FORMATS = {
  /** RFC 4180, but for the line ends. */
  csv: { head: [csvLine(["path", ...COLUMNS])], lines: (row) => [csvLine(cells(row))] },
  /** One object a line. */
  json: {
    head: [],
    lines: ({ path, jobId, result }) => [JSON.stringify({ path, job_id: jobId, ...(result as object) })],
  },
  /** Extended M3U in UTF-8. */
  m3u: { head: ["#EXTM3U"], lines: playlistLines },
} satisfies Record<string, LineFormat>;

export type Format = keyof typeof FORMATS;

function cells({ path, fields }: Row): string[] {
  return [path, ...COLUMNS.map((name) => cellOf(fields[name]))];
}

function cellOf(field: Field | undefined): string {
  if (field === undefined) return "";
  return typeof field === "number" || typeof field === "string" ? String(field) : field.join("; ");
}

function csvLine(cells: readonly string[]): string {
  return cells.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",");
}

function playlistLines({ path, fields, title, artist }: Row): string[] {
  const name = title === undefined ? basename(path) : [artist, title].filter(Boolean).join(" - ");
  const seconds = Math.round(Number(fields["duration_seconds"] ?? -1));
  // A line break in a name would be an entry of its own.
  return [`#EXTINF:${seconds},${name.replaceAll(/[\r\n]+/g, " ")}`, path];
}
