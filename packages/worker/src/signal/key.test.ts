import { describe, expect, test } from "vitest";
import { estimateKey, KEY_NAMES } from "./key.ts";
import { MusicMeter } from "./music-meter.ts";
import { seededRandom, tone } from "./test-signals.ts";
import { beatsAt, clickTrack } from "./testing/rhythm.ts";
import { renderProgression } from "./testing/chords.ts";

const RATE = 22_050;

function keyOf(samples: Float32Array, sampleRateHz = RATE) {
  const meter = new MusicMeter(sampleRateHz);
  meter.push(samples);
  return meter.finish();
}

describe.each([0, 30, -40])("rendered chord progressions, %i cents from A4 = 440 Hz", (cents) => {
  const heard = (["major", "minor"] as const).flatMap((scale) =>
    KEY_NAMES.map((key, tonic) => ({
      truth: { key, scale },
      tonic,
      ...keyOf(renderProgression({ sampleRateHz: RATE, tonic, scale, cents })),
    })),
  );

  test("are in the key that was heard: 24 of 24, a MIREX score of 1", () => {
    const right = heard.filter(({ truth, key }) => key?.key === truth.key && key.scale === truth.scale);
    expect(right).toHaveLength(24);
  });

  test("are tuned as they are, within 3 cents", () => {
    for (const { tuningCents } of heard) expect(Math.abs(tuningCents - cents)).toBeLessThan(3);
  });
});

test.each([-40, -20, 20, 40])("a low tone between two bins is %i cents off all the same", (cents) => {
  // A bin is 42 cents wide at 110 Hz.
  const samples = tone({ hz: 110 * 2 ** (cents / 1_200), sampleRateHz: RATE, seconds: 4, peakDbfs: -12 });
  expect(Math.abs(keyOf(samples).tuningCents - cents)).toBeLessThan(6);
});

test("noise, clicks and silence have no key", () => {
  const random = seededRandom(5);
  const noise = Float32Array.from({ length: 10 * RATE }, () => random() - 0.5);
  expect(keyOf(noise).key).toBeNull();
  expect(keyOf(new Float32Array(10 * RATE))).toMatchObject({ key: null, tuningCents: 0 });
  expect(estimateKey(new Float64Array(12))).toBeNull();
  // A click has a pitch of its own, which is no key of anything: it must not be taken for a sure one.
  const clicks = clickTrack({ sampleRateHz: RATE, seconds: 10, beats: beatsAt(120, 10) });
  expect(keyOf(clicks).key?.strength ?? 0).toBeLessThan(0.7);
});

test("a profile is its own key with a strength of 1", () => {
  const cMajor = [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.08, 0.008, 0.081];
  expect(estimateKey(cMajor)).toEqual({ key: "C", scale: "major", strength: expect.closeTo(1) });
  const upBySeven = cMajor.map((_, i) => cMajor[(i + 5) % 12] ?? 0);
  expect(estimateKey(upBySeven)).toMatchObject({ key: "G", scale: "major" });
});
