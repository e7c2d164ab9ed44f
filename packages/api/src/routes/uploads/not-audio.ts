/** How files begin that are certainly no audio. Anything unknown is left to the decoder, which knows more formats. */
const BEGINNINGS: readonly (readonly [string, RegExp])[] = [
  ["a PNG image", /^\x89PNG\r\n\x1a\n/],
  ["a JPEG image", /^\xff\xd8\xff/],
  ["a GIF image", /^GIF8[79]a/],
  ["a PDF document", /^%PDF-/],
  ["a ZIP archive", /^PK(\x03\x04|\x05\x06|\x07\x08)/],
  ["a gzip archive", /^\x1f\x8b\x08/],
  ["a program", /^(\x7fELF|MZ[^\0]{0,2}\0)/],
  ["a web page", /^(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|script)\b/i],
  ["XML", /^(\xef\xbb\xbf)?\s*<\?xml\b/i],
];

/** What the file obviously is, when its first bytes say that it isn't audio; else null. */
export function recognisedAs(head: Uint8Array): string | null {
  const text = String.fromCharCode(...head);
  return BEGINNINGS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}
