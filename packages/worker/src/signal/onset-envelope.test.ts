import { expect, test } from "vitest";
import { OnsetEnvelope } from "./onset-envelope.ts";
import { seededRandom } from "./test-signals.ts";

const RATE = 16_000;
const ONSET_SECONDS = 1;

/** Eight harmonics that begin after a second of silence, with a vibrato of six cycles a second. */
function vibrato(hz: number, depthCents: number): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: 4 * RATE }, (_, i) => {
    const time = i / RATE;
    if (time < ONSET_SECONDS) return 0;
    const bend = 2 ** ((depthCents / 1_200) * Math.sin(2 * Math.PI * 6 * time));
    phase += (2 * Math.PI * hz * bend) / RATE;
    return [1, 2, 3, 4, 5, 6, 7, 8].reduce(
      (sum, harmonic) => sum + (0.2 * Math.sin(harmonic * phase)) / harmonic,
      0,
    );
  });
}

test.each([220, 440, 880])(
  "a vibrato of a semitone each way about %i Hz is no onset beside that of its tone",
  (hz) => {
    const onsets = new OnsetEnvelope(RATE);
    onsets.push(vibrato(hz, 100));
    const envelope = onsets.finish();
    const frameAt = (seconds: number) => Math.round((seconds - onsets.firstSeconds) * onsets.frameRateHz);
    const around = envelope.subarray(frameAt(ONSET_SECONDS) - 3, frameAt(ONSET_SECONDS) + 4);
    expect(Math.max(...around)).toBe(Math.max(...envelope));
    const held = envelope.subarray(frameAt(ONSET_SECONDS) + 10);
    expect(Math.max(...held)).toBeLessThan(0.05 * Math.max(...envelope));
  },
);

/** How many milliseconds behind its begin a sound's strongest frame stands, on average over where in a hop it begins. */
function msBehind(decaySeconds: number): number {
  const begins = Array.from({ length: 20 }, (_, i) => ONSET_SECONDS + i * 0.0037);
  const errors = begins.map((begin, seed) => {
    const random = seededRandom(seed + 1);
    const noise = Float32Array.from({ length: 2 * RATE }, (_, i) => {
      const time = i / RATE - begin;
      return time < 0 ? 0 : (random() - 0.5) * Math.exp(-time / decaySeconds);
    });
    const onsets = new OnsetEnvelope(RATE);
    onsets.push(noise);
    const envelope = onsets.finish();
    return onsets.firstSeconds + envelope.indexOf(Math.max(...envelope)) / onsets.frameRateHz - begin;
  });
  return (1_000 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
}

// A lag of one frame is 4.5 ms early in both; one of three is 6 ms late in the second.
test("a click stands at its begin within 2 ms, and noise that goes on where two frames apart differ most", () => {
  expect(Math.abs(msBehind(0.003))).toBeLessThan(2);
  expect(Math.abs(msBehind(Infinity) - 5.4)).toBeLessThan(2);
});
