import { expect, test } from "vitest";
import { PowerSpectrum } from "./fft.ts";
import { seededRandom } from "./test-signals.ts";

test.each([2, 8, 32, 512, 2048])("the power of %d samples is that of the definition", (size) => {
  const spectrum = new PowerSpectrum(size);
  const random = seededRandom(size);
  for (let round = 0; round < 2; round++) {
    const frame = Float32Array.from({ length: size }, () => random() - 0.5);
    const power = new Float32Array(size / 2 + 1);
    spectrum.compute(frame, power);
    expect(power.length).toBe(size / 2 + 1);
    power.forEach((value, bin) => expect(Math.abs(value - powerAt(frame, bin))).toBeLessThan(1e-6 * size));
  }
});

test("a sine in the middle of a bin has its power there alone", () => {
  const frame = Float32Array.from({ length: 512 }, (_, i) => Math.sin((2 * Math.PI * 37 * i) / 512));
  const power = new Float32Array(257);
  new PowerSpectrum(512).compute(frame, power);
  expect(power[37]).toBeCloseTo(256 ** 2, 1);
  expect(Math.max(...power.with(37, 0))).toBeLessThan(1e-6);
});

test.each([0, 1, 4, 100, 256, 1024])("a frame of %d samples is refused", (size) => {
  expect(() => new PowerSpectrum(size)).toThrow(RangeError);
});

function powerAt(frame: Float32Array, bin: number): number {
  const turn = (-2 * Math.PI * bin) / frame.length;
  const real = frame.reduce((sum, sample, i) => sum + sample * Math.cos(turn * i), 0);
  const imaginary = frame.reduce((sum, sample, i) => sum + sample * Math.sin(turn * i), 0);
  return real ** 2 + imaginary ** 2;
}
