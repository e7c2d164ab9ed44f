import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fbankFrames, KALDI_FBANK, KaldiFbank, subtractBandMeans } from "./kaldi-fbank.ts";

interface GoldenRows {
  frames: number;
  every: number;
  rows: number[][];
}

/** By Kaldi's own C++ (golden/kaldi_fbank.py). */
const golden: Record<"speech" | "glide", GoldenRows> = JSON.parse(
  readFileSync(new URL("golden/kaldi_fbank.json", import.meta.url), "utf8"),
);
const speech = new Float32Array(
  Uint8Array.from(readFileSync(new URL("../tasks/golden/vad_speech.input16k.f32", import.meta.url))).buffer,
).subarray(20_000, 52_123);
/** From 100 Hz up to 7.9 kHz with an offset, then silence. */
const glide = Float32Array.from({ length: 16_000 }, (_, i) =>
  i < 12_000 ? 0.3 * Math.sin(2 * Math.PI * (100 * (i / 16_000) + 3_900 * (i / 16_000) ** 2)) + 0.05 : 0,
);

function rowsOf(samples: Float32Array): Float32Array[] {
  const fbank = new KaldiFbank();
  return Array.from({ length: fbankFrames(samples.length) }, (_, frame) => {
    const row = new Float32Array(KALDI_FBANK.bands);
    fbank.compute(samples, frame, row);
    return row;
  });
}

test.each([
  ["speech", speech],
  ["glide", glide],
] as const)("every band of %s is Kaldi's within 5e-4", (name, samples) => {
  const { frames, every, rows } = golden[name];
  const found = rowsOf(samples);
  expect(found).toHaveLength(frames);
  const differences = rows.flatMap((row, index) =>
    row.map((value, band) => Math.abs(value - (found[index * every]?.[band] ?? NaN))),
  );
  expect(Math.max(...differences)).toBeLessThan(5e-4);
});

test("less than a frame has none, a frame has one, and a hop more has two", () => {
  expect([0, 399, 400, 559, 560].map(fbankFrames)).toEqual([0, 0, 1, 1, 2]);
});

test("without its mean each band sums up to zero, and keeps its swing", () => {
  const rows = Float32Array.from({ length: 3 * 80 }, (_, i) => (i % 80) + 10 * Math.floor(i / 80));
  subtractBandMeans(rows);
  expect([rows[5], rows[85], rows[165]]).toEqual([-10, 0, 10]);
});
