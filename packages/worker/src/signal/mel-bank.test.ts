import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyMelBank, createMelBank } from "./mel-bank.ts";

/** From the float32 arithmetic of the reference. */
const golden: { hz: number[]; start: number[]; len: number[]; weights: number[] } = JSON.parse(
  readFileSync(new URL("./golden/melbank.json", import.meta.url), "utf8"),
);
const bank = createMelBank({ bands: 96, bins: 257, sampleRateHz: 16_000, lowHz: 0, highHz: 8_000 });

test("corners, bins and weights are the reference's, bit for bit", () => {
  expect([...bank.hz]).toEqual(golden.hz.map(Math.fround));
  expect([...bank.starts]).toEqual(golden.start);
  expect(bank.weights.map(({ length }) => length)).toEqual(golden.len);
  expect(bank.weights.flatMap((weights) => [...weights])).toEqual(golden.weights.map(Math.fround));
});

test("no band reaches past the last bin", () => {
  bank.weights.forEach(({ length }, band) =>
    expect((bank.starts[band] ?? NaN) + length).toBeLessThanOrEqual(257),
  );
});

test("a band sums up what its own bins hold", () => {
  const power = Float32Array.from({ length: 257 }, (_, bin) => bin);
  const out = new Float32Array(96);
  applyMelBank(bank, power, out);
  expect(out[0]).toBeCloseTo(golden.weights[1] ?? NaN, 6);
  const last = golden.weights.slice(-15).reduce((sum, weight, i) => sum + weight * (241 + i), 0);
  expect(out[95]).toBeCloseTo(last, 4);
});
