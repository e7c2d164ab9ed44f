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
  // A plain loop: `indexOf` from hyphen to hyphen takes a second for a body of nothing else.
  for (let at = HYPHEN; at < form.length; at++) {
    if (form[at] === 0x2d && isHeaderAt(form, at - HYPHEN) && ++parts > most) return false;
  }
  return true;
}

/** In any case: the bit 0x20 makes a letter small, and leaves the hyphen. */
function isHeaderAt(form: Bytes, start: number): boolean {
  return HEADER.every((byte, index) => ((form[start + index] ?? 0) | 0x20) === byte);
}
