import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WHISPER_MEL, whisperLogMel } from "./whisper-mel.ts";

/** Made by `golden/whisper_mel.py`, by bands and frame: numpy's FFT and librosa's filters, in doubles. */
const golden: Record<string, Record<string, number[]>> = JSON.parse(
  readFileSync(new URL("./golden/whisper_mel.json", import.meta.url), "utf8"),
);
/** Filters in float32, as all of this tree's are: of the narrow ones of 128 bands a corner moves by more of their width. */
const TOLERANCES = { 80: 2e-4, 128: 1e-3 };

/** The same formula as in `whisper_mel.py`. */
function formula(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 3 * WHISPER_MEL.sampleRateHz + 77 }, (_, n) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    const t = n / WHISPER_MEL.sampleRateHz;
    const tones = 0.3 * Math.sin(2 * Math.PI * 440 * t) + 0.2 * Math.sin(2 * Math.PI * (300 + 900 * t) * t);
    const value = tones + 0.05 * (state / 2 ** 32 - 0.5);
    return t > 1.2 && t < 1.7 ? value * 1e-3 : value;
  });
}

test.each([80, 128] as const)(
  "%i bands are those of the reference, silence after the end included",
  (bands) => {
    const mel = whisperLogMel(formula(), bands);
    expect(mel).toHaveLength(bands * WHISPER_MEL.frames);
    const errors = Object.entries(golden[bands] ?? {}).flatMap(([frame, values]) =>
      values.map((value, band) => Math.abs((mel[band * WHISPER_MEL.frames + Number(frame)] ?? NaN) - value)),
    );
    expect(errors.length).toBe(19 * bands);
    expect(Math.max(...errors)).toBeLessThan(TOLERANCES[bands]);
  },
);

test("silence is one value", () => {
  expect(new Set(whisperLogMel(new Float32Array(16_000), 80))).toEqual(new Set([-1.5]));
});
