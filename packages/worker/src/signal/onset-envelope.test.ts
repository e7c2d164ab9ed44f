import { expect, test } from "vitest";
import { OnsetEnvelope } from "./onset-envelope.ts";

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
