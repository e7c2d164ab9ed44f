import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  constantTimeEqual,
  fromBase64,
  hmacSha256,
  randomBytes,
  sha256Hex,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "./bytes.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);

test("hex, base64 and base64url are those of node", () => {
  const reference = Buffer.from(EVERY_BYTE);
  expect(toHex(EVERY_BYTE)).toBe(reference.toString("hex"));
  expect(toBase64(EVERY_BYTE)).toBe(reference.toString("base64"));
  expect(toBase64Url(EVERY_BYTE)).toBe(reference.toString("base64url"));
});

describe("base64", () => {
  test.each([0, 1, 2, 3, 4, 31, 32, 33, 256])(
    "of %i bytes comes back, in either alphabet, padded or not",
    (length) => {
      const bytes = EVERY_BYTE.slice(256 - length);
      const padded = toBase64(bytes);
      for (const text of [padded, padded.replace(/=+$/, ""), toBase64Url(bytes)])
        expect(fromBase64(text)).toEqual(bytes);
    },
  );

  test.each([
    "A",
    "AAAAA",
    "AA=",
    "AAA==",
    "A===",
    "AAAA=",
    "=",
    "====",
    "AA==AA==",
    "AA AA",
    " AAAA",
    "AAAA\n",
    "AA.A",
    "\u00e9AAA",
  ])("%j is not base64", (text) => {
    expect(() => fromBase64(text)).toThrow(TypeError);
  });
});

test("hashes are those of node, over text as UTF-8", async () => {
  expect(await sha256Hex("h\u00e9llo")).toBe(createHash("sha256").update("h\u00e9llo").digest("hex"));
  expect(await sha256Hex(EVERY_BYTE)).toBe(createHash("sha256").update(EVERY_BYTE).digest("hex"));
  const hmac = createHmac("sha256", "key").update("text").digest("hex");
  expect(toHex(await hmacSha256(utf8("key"), utf8("text")))).toBe(hmac);
});

test("a comparison takes as long for texts that differ at once as for those that differ at their end", () => {
  const text = "x".repeat(500_000);
  const [atOnce, atEnd] = [`y${text.slice(1)}`, `${text.slice(1)}y`];
  const fastest = (other: string) =>
    Math.min(
      ...Array.from({ length: 7 }, () => {
        const begun = performance.now();
        constantTimeEqual(text, other);
        return performance.now() - begun;
      }),
    );
  constantTimeEqual(text, atEnd);
  const ratio = fastest(atEnd) / fastest(atOnce);
  expect(ratio).toBeGreaterThan(1 / 3);
  expect(ratio).toBeLessThan(3);
});

test("random bytes are as many as asked for, and others each time", () => {
  expect(randomBytes(32)).toHaveLength(32);
  expect(randomBytes(32)).not.toEqual(randomBytes(32));
});

test.each([
  ["", "", true],
  ["abc", "abc", true],
  ["\u00e9", "\u00e9", true],
  ["abc", "abd", false],
  ["abc", "bbc", false],
  ["abc", "ab", false],
  ["ab", "abc", false],
  ["", "a", false],
  ["a", "", false],
  ["abab", "ab", false],
  ["a\u0000", "a", false],
])("%j and %j are equal: %s", (left, right, equal) => {
  expect(constantTimeEqual(left, right)).toBe(equal);
});
