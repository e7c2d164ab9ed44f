import { expect, test } from "vitest";
import { channelWeights } from "./channel-weights.ts";

test.each([
  ["mono", [1]],
  ["stereo", [1, 1]],
  ["2.1", [1, 1, 0]],
  ["quad", [1, 1, 1.41, 1.41]],
  ["4.0", [1, 1, 1, 1]],
  ["5.0", [1, 1, 1, 1.41, 1.41]],
  ["5.0(side)", [1, 1, 1, 1.41, 1.41]],
  ["5.1", [1, 1, 1, 0, 1.41, 1.41]],
  ["5.1(side)", [1, 1, 1, 0, 1.41, 1.41]],
  ["6.1", [1, 1, 1, 0, 1, 1.41, 1.41]],
  ["7.1", [1, 1, 1, 0, 1, 1, 1.41, 1.41]],
  ["7.1(wide)", [1, 1, 1, 0, 1.41, 1.41, 1, 1]],
])("%s: surrounds weigh 1.41, the LFE nothing", (layout, weights) => {
  expect(channelWeights(layout, weights.length)).toEqual(weights);
});

test("a file without a layout that has 5, 6 or 8 channels is taken for surround", () => {
  expect(channelWeights("", 5)).toEqual(channelWeights("5.0", 5));
  expect(channelWeights("", 6)).toEqual(channelWeights("5.1", 6));
  expect(channelWeights("", 8)).toEqual(channelWeights("7.1", 8));
});

test("in an unknown layout, and in one that doesn't fit the channels, all weigh the same", () => {
  expect(channelWeights("ambisonic 1", 4)).toEqual([1, 1, 1, 1]);
  expect(channelWeights("", 3)).toEqual([1, 1, 1]);
  expect(channelWeights("5.1", 2)).toEqual([1, 1]);
});
