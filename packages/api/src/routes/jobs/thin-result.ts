import { roundSeconds } from "@earshot/shared/domain/results";

/** Points that a column of `…/result` has at most (DESIGN section 12). `…/result/{task}` has them all. */
export const MOST_POINTS = 3_600;

/** `probabilities` of speech.segments: one each 512 samples at 16 kHz. */
const PROBABILITY_HOP_SECONDS = 512 / 16_000;

type Fields = Record<string, unknown>;

/**
 * A task's result in which columns over time that are too long keep each n-th point, as it was; `hop_seconds` beside
 * them then says the new step. The very same text when no column is too long.
 */
export function thinResult(text: string): string {
  const result: unknown = JSON.parse(text);
  if (!isFields(result)) return text;
  const changed = { ...thinProbabilities(result), ...thinSegments(result) };
  return Object.keys(changed).length === 0 ? text : JSON.stringify({ ...result, ...changed });
}

function thinProbabilities({ probabilities }: Fields): Fields {
  const step = stepOf(probabilities);
  if (step === 1) return {};
  return {
    hop_seconds: roundSeconds(step * PROBABILITY_HOP_SECONDS),
    probabilities: thin(probabilities, step),
  };
}

/** `{timestamps_seconds, values}`: columns of one length, grouped or not. */
function thinSegments({ segments }: Fields): Fields {
  const times = isFields(segments) ? segments["timestamps_seconds"] : undefined;
  const step = stepOf(times);
  if (step === 1 || !isFields(segments)) return {};
  const timestamps = thin(times, step) as number[];
  const [first = 0, second = 0] = timestamps;
  return {
    segments: {
      ...segments,
      hop_seconds: roundSeconds(second - first),
      timestamps_seconds: timestamps,
      values: thin(segments["values"], step),
    },
  };
}

function stepOf(column: unknown): number {
  return Array.isArray(column) ? Math.max(1, Math.ceil(column.length / MOST_POINTS)) : 1;
}

function thin(value: unknown, step: number): unknown {
  if (Array.isArray(value)) return value.filter((_, index) => index % step === 0);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, column]) => [name, thin(column, step)]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
