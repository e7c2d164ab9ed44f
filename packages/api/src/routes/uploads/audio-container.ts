import { RefusedRequest } from "../../problem.ts";

/** As many bytes as tell every container from every other file. */
export const HEAD_BYTES = 64;

/** How files begin in each of the formats that the decoder opens (DESIGN section 10), in bytes as Latin-1. */
const BEGINNINGS: readonly RegExp[] = [
  /^ID3[\x02-\x04]/, // tags, before MPEG audio or others
  /^fLaC/,
  /^OggS\0/,
  /^(RIFF|RF64|BW64)[^]{4}WAVE/,
  /^riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0/, // Wave64
  /^[^]{4}(ftyp|moov|mdat|free|skip|wide|pnot)/, // MP4 and QuickTime
  /^\x1a\x45\xdf\xa3/, // Matroska, WebM
  /^FORM[^]{4}AIF[FC]/,
  /^\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c/, // ASF
  /^wvpk/,
  /^(\x0b\x77|\x77\x0b)/, // AC-3, E-AC-3
  /^TTA1/,
  /^MAC /, // Monkey's Audio
  /^caff\0\x01/,
  /^(MP\+|MPCK)/, // Musepack
  /^DSD \x1c\0\0\0/,
  /^#!AMR(-WB)?\n/,
  /^\xff[\xf0\xf1\xf8\xf9]/, // AAC in ADTS
  // A frame of MPEG audio, perhaps after padding: layers I to III, a bit rate and a sample rate that exist. Not the mark of UTF-16.
  /^\0{0,32}\xff(?!\xfe)[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\x1b\x20-\x2b\x30-\x3b\x40-\x4b\x50-\x5b\x60-\x6b\x70-\x7b\x80-\x8b\x90-\x9b\xa0-\xab\xb0-\xbb\xc0-\xcb\xd0-\xdb\xe0-\xeb]/,
];

/**
 * Refuses a file that begins as no container of audio does. One that does may still be broken: the sandboxed decoder tells.
 * `pointer` is where the request names the file.
 * @throws RefusedRequest `unsupported_media`.
 */
export function refuseUnlessAudio(head: Uint8Array, pointer: string): void {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  if (BEGINNINGS.some((beginning) => beginning.test(text))) return;
  const detail = "The file does not begin as any audio format that is supported.";
  throw new RefusedRequest("unsupported_media", [{ pointer, code: "unsupported_media", detail }]);
}
