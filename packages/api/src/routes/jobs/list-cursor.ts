import * as z from "zod";
import { fromBase64, sha256Hex, toBase64Url, utf8 } from "@earshot/shared/crypto/bytes";
import { idPattern } from "@earshot/shared/crypto/ids";
import type { JobPlace } from "@earshot/shared/db/jobs/list-jobs";

/** `t`: creation in ms, `id`: of the last job seen, `c`: what ties the two to their list. */
const Content = z.strictObject({
  // Beyond the year 9999 Postgres does not read what a Date writes.
  t: z.int().min(0).max(253_402_300_799_999),
  id: z.string().regex(idPattern("job")),
  c: z.string(),
});

/** `list` says whose list it is and by what it is filtered: the cursor is good for that list alone. */
export async function writeCursor(place: JobPlace, list: string): Promise<string> {
  const content = { t: place.createdAt.getTime(), id: place.id, c: await checkOf(place, list) };
  return toBase64Url(utf8(JSON.stringify(content)));
}

/** Null for anything that `writeCursor` did not write for this very list. */
export async function readCursor(cursor: string, list: string): Promise<JobPlace | null> {
  const { success, data } = Content.safeParse(parse(cursor));
  if (!success) return null;
  const place = { createdAt: new Date(data.t), id: data.id };
  return (await checkOf(place, list)) === data.c ? place : null;
}

/** No signature, and none is needed: a forged cursor shows its maker nothing but his own jobs. It finds mistakes. */
async function checkOf({ createdAt, id }: JobPlace, list: string): Promise<string> {
  return (await sha256Hex(JSON.stringify([list, createdAt.getTime(), id]))).slice(0, 16);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(cursor)));
  } catch {
    return null;
  }
}
