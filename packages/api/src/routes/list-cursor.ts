import * as z from "zod";
import { fromBase64, sha256Hex, toBase64Url, utf8 } from "@earshot/shared/crypto/bytes";
import { idPattern } from "@earshot/shared/crypto/ids";
import type { IdKind } from "@earshot/shared/crypto/ids";
import { invalid } from "../problem.ts";

/** Where a row stands in a list: no two have the same place, and it never changes. */
export interface ListPlace {
  createdAt: Date;
  id: string;
}

/** `t`: creation in ms, `id`: of the last row seen, `c`: what ties the two to their list. */
const Content = z.strictObject({
  // Beyond the year 9999 Postgres does not read what a Date writes.
  t: z.int().min(0).max(253_402_300_799_999),
  id: z.string().max(64),
  c: z.string(),
});

/** `list` says whose list it is and by what it is filtered: the cursor is good for that list alone. */
export async function writeCursor(place: ListPlace, list: string): Promise<string> {
  const content = { t: place.createdAt.getTime(), id: place.id, c: await checkOf(place, list) };
  return toBase64Url(utf8(JSON.stringify(content)));
}

/** The same. @throws RefusedRequest */
export async function requirePlace(cursor: string, list: string, kind: IdKind): Promise<ListPlace> {
  const place = await readCursor(cursor, list, kind);
  if (place === null) throw invalid("/query/cursor", "This cursor is not of this list.", "invalid_cursor");
  return place;
}

/** Null for anything that `writeCursor` did not write for this very list. */
async function readCursor(cursor: string, list: string, kind: IdKind): Promise<ListPlace | null> {
  const { success, data } = Content.safeParse(parse(cursor));
  if (!success || !idPattern(kind).test(data.id)) return null;
  const place = { createdAt: new Date(data.t), id: data.id };
  return (await checkOf(place, list)) === data.c ? place : null;
}

/** No signature, and none is needed: a forged cursor shows its maker nothing but his own rows. It finds mistakes. */
async function checkOf({ createdAt, id }: ListPlace, list: string): Promise<string> {
  return (await sha256Hex(JSON.stringify([list, createdAt.getTime(), id]))).slice(0, 16);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(cursor)));
  } catch {
    return null;
  }
}
