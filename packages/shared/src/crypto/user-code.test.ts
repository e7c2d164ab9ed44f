import { expect, test } from "vitest";
import { newUserCode, readUserCode } from "./user-code.ts";

test("a code has eight letters without vowels, each as likely as the others", () => {
  const codes = Array.from({ length: 500 }, newUserCode);
  for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  expect(new Set(codes).size).toBe(500);
  expect(new Set(codes.join("").replaceAll("-", "")).size).toBe(20);
});

test.for([
  ["BCDF-GHJK", "BCDF-GHJK"],
  [" bcdfghjk ", "BCDF-GHJK"],
  ["bc df-gh jk", "BCDF-GHJK"],
  ["BCDF-GHJ", null],
  ["BCDF-GHJKL", null],
  ["ACDF-GHJK", null],
  ["", null],
] as const)("%j is read as %j", ([typed, code]) => {
  expect(readUserCode(typed)).toBe(code);
});
