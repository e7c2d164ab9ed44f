import { AppError } from "@earshot/shared/domain/errors";
import { roundScore } from "@earshot/shared/domain/results";
import type { ModelSpec } from "../../inference/manifest.ts";

/** What a model says of each patch about each of its labels. */
export interface PatchScores {
  /** In the order of the manifest. */
  labels: readonly string[];
  /** Row-major [patches, labels]. */
  values: Float32Array;
}

/** The labels of the output `activations`, in the order of the manifest. */
export function labelsOf({ id, labels }: ModelSpec): readonly string[] {
  const names = labels?.["activations"];
  if (names === undefined)
    throw new AppError("internal", { message: `Model ${id} has no labels in models.json.` });
  return names;
}

/** By label, the arithmetic mean over the patches. */
export function pooledScores({ labels, values }: PatchScores): Record<string, number> {
  const means = meanOfRows(values, labels.length);
  return Object.fromEntries(labels.map((label, index) => [label, roundScore(means[index] ?? NaN)]));
}

/** By label, the share of the patches in which it is more probable than not. */
export function agreements({ labels, values }: PatchScores): Record<string, number> {
  const isLikely = meanOfRows(
    values.map((value) => (value > 0.5 ? 1 : 0)),
    labels.length,
  );
  return Object.fromEntries(labels.map((label, index) => [label, roundScore(isLikely[index] ?? NaN)]));
}

/** One label over time. @throws AppError `internal` when the model does not have it. */
export function scoresOverTime({ labels, values }: PatchScores, label: string): number[] {
  const first = labels.indexOf(label);
  if (first < 0) throw new AppError("internal", { message: `No label of the model is "${label}".` });
  return Array.from({ length: values.length / labels.length }, (_, patch) =>
    roundScore(values[patch * labels.length + first] ?? NaN),
  );
}

/** @param values Row-major, rows of `width`. */
export function meanOfRows(values: Float32Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  values.forEach((value, index) => (sums[index % width] = (sums[index % width] ?? 0) + value));
  return sums.map((sum) => sum / (values.length / width));
}
