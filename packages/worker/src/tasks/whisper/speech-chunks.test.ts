import fc from "fast-check";
import { expect, test } from "vitest";
import { SpeechChunks } from "./speech-chunks.ts";
import type { SpeechChunk } from "./speech-chunks.ts";

/** In windows of one sample, of which ten are a second. */
const OPTIONS = {
  windowSamples: 1,
  mostSamples: 300,
  overlapSamples: 40,
  paddingSamples: 4,
  gapSamples: 20,
  pauseSamples: 2,
};

/** `[from, to)` of speech. */
function chunksOf(speech: readonly (readonly [number, number])[], total: number): SpeechChunk[] {
  const chunks = new SpeechChunks(OPTIONS);
  const found: SpeechChunk[] = [];
  for (let i = 0; i < total; i++) {
    found.push(...chunks.push(speech.some(([from, to]) => i >= from && i < to) ? 0.9 : 0.1));
    // What a chunk to come may need is kept, and no more than one is long and a pause.
    expect(i + 1 - chunks.keptFrom).toBeLessThanOrEqual(OPTIONS.mostSamples + OPTIONS.gapSamples);
  }
  return [...found, ...chunks.finish(total)];
}

test("silence is in no chunk", () => {
  expect(chunksOf([], 1_000)).toEqual([]);
});

test("speech between silences is one, padded", () => {
  expect(chunksOf([[100, 200]], 400)).toEqual([{ start: 96, end: 204, heardTo: null }]);
});

test("short pauses stay within it, long ones part it", () => {
  expect(
    chunksOf(
      [
        [10, 50],
        [60, 90],
        [120, 140],
      ],
      300,
    ),
  ).toEqual([
    { start: 6, end: 94, heardTo: null },
    { start: 116, end: 144, heardTo: null },
  ]);
});

test("one that is full is cut in the middle of its longest late pause, and nothing is heard twice", () => {
  expect(
    chunksOf(
      [
        [0, 60],
        [75, 200],
        [210, 250],
        [254, 330],
      ],
      400,
    ),
  ).toEqual([
    { start: 0, end: 205, heardTo: null },
    { start: 205, end: 334, heardTo: null },
  ]);
});

test("where speech runs on, the next hears the end of this once more", () => {
  expect(chunksOf([[0, 500]], 600)).toEqual([
    { start: 0, end: 300, heardTo: null },
    { start: 260, end: 504, heardTo: 300 },
  ]);
});

test("audio that ends in speech ends there", () => {
  expect(chunksOf([[20, 50]], 50)).toEqual([{ start: 16, end: 50, heardTo: null }]);
});

test("all speech is in a chunk, none is too long, and they are in order, whatever is said", () => {
  const spans = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 700 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(spans, (lengths) => {
      let position = 0;
      const speech = lengths.map(([gap, length]) => {
        const from = position + gap;
        position = from + length;
        return [from, position] as const;
      });
      const found = chunksOf(speech, position + 30);
      for (const [from, to] of speech)
        for (let i = from; i < to; i++)
          expect(found.some(({ start, end }) => start <= i && i < end)).toBe(true);
      for (const [i, { start, end, heardTo }] of found.entries()) {
        expect(end - start).toBeLessThanOrEqual(OPTIONS.mostSamples);
        expect(start).toBeGreaterThanOrEqual(
          heardTo === null ? (found[i - 1]?.end ?? 0) : heardTo - OPTIONS.overlapSamples,
        );
      }
    }),
    { numRuns: 60 },
  );
});
