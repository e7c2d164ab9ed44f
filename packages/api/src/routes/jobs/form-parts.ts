import { utf8 } from "@earshot/shared/crypto/bytes";
import type { Bytes } from "@earshot/shared/crypto/bytes";

/** Every part of a form has this header, and audio has no reason to hold it. */
const HEADER = utf8("content-disposition");
const HYPHEN = HEADER.indexOf(0x2d);

/**
 * Whether a form has at most `most` parts, told without parsing it: half a million empty parts fit into 26 MiB and keep
 * a parser, and everybody else, busy for seconds.
 */
export function hasAtMostParts(form: Bytes, most: number): boolean {
  let parts = 0;
  for (let at = HYPHEN; at < form.length; at++) {
    if (form[at] === 0x2d && isHeaderAt(form, at - HYPHEN) && ++parts > most) return false;
  }
  return true;
}

/** In any case: the bit 0x20 makes a letter small, and leaves the hyphen. A plain loop, for it runs on each hyphen. */
function isHeaderAt(form: Bytes, start: number): boolean {
  for (let index = 0; index < HEADER.length; index++) {
    if (((form[start + index] ?? 0) | 0x20) !== HEADER[index]) return false;
  }
  return true;
}
