import { expect, test } from "vitest";
import * as z from "zod";
import { fieldErrors, toPointer } from "./field-errors.ts";

test("a pointer escapes what RFC 6901 says", () => {
  expect(toPointer([])).toBe("");
  expect(toPointer(["a/b", "c~d", 0, ""])).toBe("/a~1b/c~0d/0/");
});

test("each unknown field is at fault by itself, under the part of the request that holds it", () => {
  const { error } = z.strictObject({ wait: z.number() }).safeParse({ wait: "x", a: 1, b: 2 });
  const faults = error === undefined ? [] : fieldErrors("query", error);
  expect(faults.map(({ pointer }) => pointer)).toEqual(["/query/wait", "/query/a", "/query/b"]);
});
