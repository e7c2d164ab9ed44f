import { utf8 } from "@earshot/shared/crypto/bytes";
import { expect, test } from "vitest";
import { hasAtMostParts } from "./form-parts.ts";

const part = (name: string, header = "Content-Disposition") =>
  `--x\r\n${header}: form-data; name="${name}"\r\n\r\n1\r\n`;

test("parts are counted by the header that each has, in any case", () => {
  const form = utf8(
    `${part("a")}${part("b", "content-disposition")}${part("c", "CONTENT-DISPOSITION")}--x--`,
  );
  expect(hasAtMostParts(form, 3)).toBe(true);
  expect(hasAtMostParts(form, 2)).toBe(false);
});

test("half a header at either end is no part, and hyphens alone are none", () => {
  expect(hasAtMostParts(utf8("-disposition---content-"), 0)).toBe(true);
  expect(hasAtMostParts(new Uint8Array(1_000_000).fill(0x2d), 0)).toBe(true);
  expect(hasAtMostParts(utf8("content-disposition"), 0)).toBe(false);
});
