import { expect, test } from "vitest";
import { createRegistry } from "../../inference/registry.ts";
import { labelsOf, meanOfRows, pooledScores, scoresOverTime } from "./patch-scores.ts";

const scores = {
  labels: ["60s", "rock", "00s"],
  values: Float32Array.of(0.5, 0.123_44, 0, 0.25, 0.123_48, 1),
};

test("pooled is the mean over the patches, in the order of the labels", () => {
  expect(pooledScores(scores)).toEqual({ "60s": 0.375, rock: 0.1235, "00s": 0.5 });
  expect(Object.keys(pooledScores(scores))).toEqual(scores.labels);
});

test("a label over time is its column", () => {
  expect(scoresOverTime(scores, "rock")).toEqual([0.1234, 0.1235]);
  expect(scoresOverTime(scores, "00s")).toEqual([0, 1]);
});

test("a label that the model does not have is a fault of ours", () => {
  expect(() => scoresOverTime(scores, "jazz")).toThrow(expect.objectContaining({ code: "internal" }));
  expect(() => labelsOf(createRegistry().find("silero_vad"))).toThrow(
    expect.objectContaining({ code: "internal" }),
  );
});

test("the mean of many rows does not lose the small ones", () => {
  const rows = new Float32Array(20_000).fill(0.1);
  expect(meanOfRows(rows, 2)[1]).toBeCloseTo(0.1, 8);
});
