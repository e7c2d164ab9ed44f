import { expect, test } from "vitest";
import { MOST_POINTS, thinResult } from "./thin-result.ts";

const HOP = 1.488;
const points = (count: number) => Array.from({ length: count }, (_, index) => index);
const times = (count: number) => points(count).map((index) => Math.round(index * HOP * 1e3) / 1e3);

function tags(count: number): string {
  const values = { rock: points(count), jazz: points(count).map((value) => value / 2) };
  const segments = { timestamps_seconds: times(count), values };
  return JSON.stringify({ task: "music.tags", status: "succeeded", scores: { rock: 0.5 }, segments });
}

test("a result whose columns are short enough stays as it is, byte for byte", () => {
  const text = tags(MOST_POINTS).replace('"rock":0.5', '"rock": 0.50');
  expect(thinResult(text)).toBe(text);
});

test("one point too many halves the columns, and each point keeps its time", () => {
  const { segments, ...rest } = JSON.parse(thinResult(tags(MOST_POINTS + 1)));
  expect(rest).toEqual({ task: "music.tags", status: "succeeded", scores: { rock: 0.5 } });
  const kept = points(MOST_POINTS + 1).filter((index) => index % 2 === 0);
  expect(segments.hop_seconds).toBe(2.976);
  expect(segments.timestamps_seconds).toEqual(kept.map((index) => times(MOST_POINTS + 1)[index]));
  expect(segments.values.rock).toEqual(kept);
  expect(segments.values.jazz).toEqual(kept.map((value) => value / 2));
});

test.for([3_601, 7_200, 7_201, 9_677, 450_000])(
  "%i points become 3,600 at most, and no fewer than half",
  (count) => {
    const { segments } = JSON.parse(thinResult(tags(count)));
    expect(segments.values.rock.length).toBe(segments.timestamps_seconds.length);
    expect(segments.values.rock.length).toBeLessThanOrEqual(MOST_POINTS);
    expect(segments.values.rock.length).toBeGreaterThan(MOST_POINTS / 2);
  },
);

test("grouped columns are thinned inside their groups", () => {
  const values = { mood_party: { party: points(4_000) }, tonal_atonal: { tonal: points(4_000) } };
  const text = JSON.stringify({ segments: { timestamps_seconds: times(4_000), values } });
  const { segments } = JSON.parse(thinResult(text));
  expect(segments.values.mood_party.party).toHaveLength(2_000);
  expect(segments.values.tonal_atonal.tonal[1]).toBe(2);
});

test("probabilities say their step, and spans are no column", () => {
  const segments = points(5_000).map((start) => ({ start, end: start + 0.5 }));
  const thinned = JSON.parse(thinResult(JSON.stringify({ segments, probabilities: points(10_800) })));
  expect(thinned.hop_seconds).toBe(0.096);
  expect(thinned.probabilities).toHaveLength(3_600);
  expect(thinned.segments).toHaveLength(5_000);
});
