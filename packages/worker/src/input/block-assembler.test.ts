import { expect, test } from "vitest";
import { assertFinite } from "./block-assembler.ts";

const LARGEST = Math.fround(3.402_823_466e38);

test.each([NaN, Infinity, -Infinity])("a sample of %d is refused, wherever it stands", (bad) => {
  for (const place of [0, 7, 15]) {
    const samples = new Float32Array(16).with(place, bad);
    expect(() => assertFinite([new Float32Array(16), samples])).toThrow(
      expect.objectContaining({ code: "decode_failed" }),
    );
  }
});

test("every finite sample passes, and only those of the block are looked at", () => {
  const samples = Float32Array.of(NaN, 0, -0, LARGEST, -LARGEST, 1.4e-45, Infinity);
  expect(() => assertFinite([samples.subarray(1, 6)])).not.toThrow();
});
