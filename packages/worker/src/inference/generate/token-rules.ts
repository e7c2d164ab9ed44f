import type { TokenRules } from "../inference.ts";

/**
 * Forbids, by −∞, every token that may not come next. `logits` is one row, changed in place; `generated` is what came after the
 * prompt. The rules of timestamps are those of Whisper's reference decoder (`ApplyTimestampRules`): the first token is one, not
 * too late; they come in pairs but for the last before the end; they never decrease, and none follows its own start at once;
 * where all of them together are likelier than any text, one of them comes.
 */
export function applyTokenRules(
  logits: Float32Array,
  generated: readonly number[],
  { end, never, notFirst, timestamps }: TokenRules,
): void {
  forbid(logits, never);
  if (generated.length === 0) forbid(logits, notFirst);
  if (timestamps === null) return;
  const { first, maxInitial } = timestamps;
  const isTimestamp = (token: number | undefined) => token !== undefined && token >= first;
  const endsInTimestamp = isTimestamp(generated.at(-1));
  const endsInPair = endsInTimestamp && (generated.length < 2 || isTimestamp(generated.at(-2)));
  if (generated.length === 0) {
    logits.fill(-Infinity, 0, first);
    logits.fill(-Infinity, first + maxInitial + 1);
  }
  if (endsInPair) logits.fill(-Infinity, first);
  else if (endsInTimestamp) logits.fill(-Infinity, 0, end);
  const latest = generated.findLast(isTimestamp);
  if (latest !== undefined)
    logits.fill(-Infinity, first, endsInTimestamp && !endsInPair ? latest : latest + 1);
  if (logSumExp(logits.subarray(first)) > greatest(logits.subarray(0, first)))
    logits.fill(-Infinity, 0, first);
}

/** ln Σ exp: with a row's own maximum taken out, so that nothing overflows. −∞ of a row that is all forbidden. */
export function logSumExp(values: Float32Array): number {
  const most = greatest(values);
  if (most === -Infinity) return most;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - most);
  return most + Math.log(sum);
}

function greatest(values: Float32Array): number {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  return most;
}

function forbid(logits: Float32Array, tokens: readonly number[]): void {
  for (const token of tokens) logits[token] = -Infinity;
}
