import { expect, test, vi } from "vitest";
import { seededRandom } from "../../signal/test-signals.ts";
import { assignVoices } from "./assign-voices.ts";
import { clusterVoices, directionOf, dot } from "./cluster-voices.ts";
import type { HeardVoice } from "./cluster-voices.ts";

const OPTIONS = { threshold: 0.5, minSpeakers: 1, maxSpeakers: Infinity };
const DIMENSIONS = 32;

const axis = (index: number) => Float32Array.from({ length: DIMENSIONS }, (_, i) => Number(i === index));

/** Directions around an axis; of two the mean cosine is about 1 / (1 + spread²). */
function voicesAround(speaker: number, random: () => number, spread = 0.5): Float32Array {
  const scale = spread * Math.sqrt(3 / DIMENSIONS);
  return directionOf(axis(speaker).map((value) => value + scale * (2 * random() - 1))) ?? axis(speaker);
}

test("thousands of voices are as many speakers as there are, in linear memory", async () => {
  const random = seededRandom(3);
  const voices = Array.from({ length: 3_000 }, (_, window): HeardVoice => {
    const speaker = window < 2_900 ? window % 5 : 5;
    return { window, embedding: voicesAround(speaker, random) };
  });
  const breathe = vi.fn(async () => {});
  const speakers = await clusterVoices(voices, OPTIONS, breathe);
  expect(speakers).toHaveLength(6);
  for (const [index, speaker] of speakers.entries()) {
    expect(dot(speaker, speaker)).toBeCloseTo(1, 5);
    expect(dot(speaker, axis(index))).toBeGreaterThan(0.95);
  }
  expect(breathe.mock.calls.length).toBeGreaterThan(5);
});

test("voices that are heard in one window are not one speaker, however alike they are", async () => {
  const twins = [0, 1, 2].flatMap((window) => [
    { window, embedding: directionOf(axis(0).map((v, i) => v + Number(i === 1) * 0.3)) ?? axis(0) },
    { window, embedding: axis(0) },
  ]);
  expect(await clusterVoices(twins, OPTIONS)).toHaveLength(2);
  expect(await clusterVoices(twins, { ...OPTIONS, maxSpeakers: 1 })).toHaveLength(1);
});

test("one window that hears somebody twice does not make two of them; half of the windows do", async () => {
  const random = seededRandom(5);
  const mannerOf = (window: number, manner: 1 | 2): HeardVoice => {
    const voice = axis(0).map((value, i) => value + Number(i === manner) * 0.4 + 0.05 * random());
    return { window, embedding: directionOf(voice) ?? axis(0) };
  };
  const together = (windows: number) =>
    Array.from({ length: 20 }, (_, i) => [mannerOf(i, 1), mannerOf(i < windows ? i : 100 + i, 2)]).flat();
  expect(await clusterVoices(together(1), OPTIONS)).toHaveLength(1);
  expect(await clusterVoices(together(10), OPTIONS)).toHaveLength(2);
});

test("the threshold is the mean cosine of voices", async () => {
  const two = [0, 1].map((window) => ({
    window,
    embedding: directionOf(axis(0).map((v, i) => v + Number(i === 1 + window))) ?? axis(0),
  }));
  // 1/√2 · 1/√2
  expect(await clusterVoices(two, { ...OPTIONS, threshold: 0.49 })).toHaveLength(1);
  expect(await clusterVoices(two, { ...OPTIONS, threshold: 0.51 })).toHaveLength(2);
  expect(await clusterVoices(two, { ...OPTIONS, threshold: 0.51, maxSpeakers: 1 })).toHaveLength(1);
  expect(await clusterVoices(two, { ...OPTIONS, threshold: 0.2, minSpeakers: 2 })).toHaveLength(2);
  expect(await clusterVoices([], OPTIONS)).toEqual([]);
});

test("each voice of a window is another speaker: the choice that is best for all of them", () => {
  const speakers = [axis(0), axis(1), axis(2)];
  const mostly = (first: number, second: number) =>
    directionOf(axis(first).map((value, i) => value + Number(i === second) * 0.8)) ?? axis(first);
  expect(assignVoices([mostly(0, 1), axis(0), null], speakers)).toEqual([1, 0, -1]);
  expect(assignVoices([axis(2), null, axis(1)], speakers)).toEqual([2, -1, 1]);
  expect(assignVoices([axis(0), axis(1), axis(2)], [axis(1)])).toEqual([0, 0, 0]);
  expect(assignVoices([axis(0)], [])).toEqual([-1]);
});
