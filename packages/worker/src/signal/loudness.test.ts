import { expect, test } from "vitest";
import { channelWeights } from "./channel-weights.ts";
import { LoudnessMeter } from "./loudness.ts";
import { cutAtRandom, musicLike, seededRandom, tone } from "./test-signals.ts";

/** Peak levels in dBFS of a 1 kHz sine and how long each lasts. */
type Passages = readonly { peakDbfs: number; seconds: number }[];

const passage = (peakDbfs: number, seconds: number) => ({ peakDbfs, seconds });

test.each<[string, Passages]>([
  ["1", [passage(-23, 20)]],
  ["3", [passage(-36, 10), passage(-23, 60), passage(-36, 10)]],
  ["4", [passage(-72, 10), passage(-36, 10), passage(-23, 60), passage(-36, 10), passage(-72, 10)]],
  ["5", [passage(-26, 20), passage(-20, 20.1), passage(-26, 20)]],
])("EBU Tech 3341 case %s reads -23 LUFS", (_, passages) => {
  expectWithin(meterStereo(passages).integratedLufs(), -23, 0.03);
});

test("EBU Tech 3341 case 2 reads -33 LUFS", () => {
  expectWithin(meterStereo([passage(-33, 20)]).integratedLufs(), -33, 0.03);
});

test.each(["5.0", "5.0(side)", ""])("EBU Tech 3341 case 6, surround named '%s', reads -23 LUFS", (layout) => {
  const meter = new LoudnessMeter(48_000, channelWeights(layout, 5));
  meter.push([-28, -28, -24, -30, -30].map((peakDbfs) => kilohertz(48_000, passage(peakDbfs, 20))));
  expectWithin(meter.integratedLufs(), -23, 0.03);
});

test("the LFE adds nothing", () => {
  const meter = new LoudnessMeter(48_000, channelWeights("2.1", 3));
  meter.push([-23, -23, 0].map((peakDbfs) => kilohertz(48_000, passage(peakDbfs, 5))));
  expectWithin(meter.integratedLufs(), -23, 0.03);
});

test.each<[string, Passages, number]>([
  ["1", [passage(-20, 20), passage(-30, 20)], 10],
  ["2", [passage(-20, 20), passage(-15, 20)], 5],
  ["3", [passage(-40, 20), passage(-20, 20)], 20],
  ["4", [passage(-50, 20), passage(-35, 20), passage(-20, 20), passage(-35, 20), passage(-50, 20)], 15],
])("EBU Tech 3342 case %s has its loudness range", (_, passages, rangeLu) => {
  expectWithin(meterStereo(passages).rangeLu(), rangeLu, 0.1);
});

test.each([8_000, 11_025, 22_050, 44_100, 96_000])(
  "a -23 LUFS tone reads the same at %i Hz",
  (sampleRateHz) => {
    expectWithin(meterStereo([passage(-23, 5)], sampleRateHz).integratedLufs(), -23, 0.05);
  },
);

test("however the blocks are cut, the numbers are the same to the last bit", () => {
  const channels = [musicLike(44_100, 8, 1), musicLike(44_100, 8, 2)];
  const whole = new LoudnessMeter(44_100, [1, 1]);
  whole.push(channels);
  const cut = new LoudnessMeter(44_100, [1, 1]);
  for (const block of cutAtRandom(channels, 9_000, seededRandom(7))) cut.push(block);
  expect(cut.integratedLufs()).toBe(whole.integratedLufs());
  expect(cut.rangeLu()).toBe(whole.rangeLu());
});

test("silence has no loudness", () => {
  const meter = new LoudnessMeter(48_000, [1, 1]);
  meter.push([new Float32Array(240_000), new Float32Array(240_000)]);
  expect([meter.integratedLufs(), meter.rangeLu()]).toEqual([null, null]);
});

test("under 400 ms there is no loudness, and under 3 s no range", () => {
  const seconds = (length: number) => {
    const meter = meterStereo([passage(-23, length)]);
    return [meter.integratedLufs() !== null, meter.rangeLu() !== null];
  };
  expect([0, 0.399, 0.4, 2.999, 3].map(seconds)).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [true, false],
    [true, true],
  ]);
});

function kilohertz(sampleRateHz: number, { peakDbfs, seconds }: Passages[number]): Float32Array {
  return tone({ hz: 1_000, sampleRateHz, seconds, peakDbfs });
}

function meterStereo(passages: Passages, sampleRateHz = 48_000): LoudnessMeter {
  const meter = new LoudnessMeter(sampleRateHz, channelWeights("stereo", 2));
  for (const each of passages) {
    const samples = kilohertz(sampleRateHz, each);
    meter.push([samples, samples]);
  }
  return meter;
}

function expectWithin(value: number | null, expected: number, tolerance: number): void {
  expect(Math.abs((value ?? Number.NaN) - expected), `${value} is not ${expected}`).toBeLessThanOrEqual(
    tolerance,
  );
}
