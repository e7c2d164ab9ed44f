import { expect, test } from "vitest";
import { HeardWindows } from "./heard-windows.ts";

const codes = (code: number) => new Uint8Array(589).fill(code);
const voice = (value: number, cleanSeconds: number) => ({
  embedding: new Float32Array(256).fill(value),
  cleanSeconds,
});

test("windows come out as they were set, in order, whatever order they were set in", () => {
  const windows = new HeardWindows();
  windows.set(2, codes(3), [null, voice(0.5, 0.2), voice(0.25, 4)]);
  windows.set(0, codes(1), [voice(0.125, 2), null, null]);
  windows.set(1, codes(2), [null, null, null]);
  expect(windows).toHaveLength(3);
  expect([0, 1, 2].map((window) => windows.codesOf(window))).toEqual([codes(1), codes(2), codes(3)]);
  const firstValues = (window: number) =>
    windows.embeddingsOf(window).map((embedding) => embedding?.[255] ?? null);
  expect([0, 1, 2].map(firstValues)).toEqual([
    [0.125, null, null],
    [null, null, null],
    [null, 0.5, 0.25],
  ]);
  const heard = (leastCleanSeconds: number) =>
    [...windows.voices(leastCleanSeconds)].map(({ window, embedding }) => [window, embedding[0]]);
  expect(heard(1)).toEqual([
    [0, 0.125],
    [2, 0.25],
  ]);
  expect(heard(0)).toHaveLength(3);
  expect(heard(5)).toEqual([]);
});
