/** How much a beat may be off its place: a step of r periods costs this times (ln r)² (Ellis, JNMR 2007). */
const TIGHTNESS = 100;
/** Beats before the first and behind the last onset of any strength are dropped. */
const LEAST_STRENGTH = 0.1;

/**
 * The beats of an onset envelope at a known tempo, in frames: the path of best onsets whose steps are near one period, by
 * dynamic programming (Ellis, "Beat Tracking by Dynamic Programming", JNMR 2007). Slow drift is followed.
 */
export function trackBeats(envelope: Float32Array, frameRateHz: number, bpm: number): number[] {
  const period = (60 * frameRateHz) / bpm;
  const strengths = inDeviations(envelope);
  const score = new Float32Array(strengths.length);
  const before = new Int32Array(strengths.length);
  const nearest = Math.max(1, Math.round(period / 2));
  const farthest = Math.round(period * 2);
  const costs = Float64Array.from(
    { length: farthest + 1 },
    (_, step) => TIGHTNESS * Math.log(step / period) ** 2,
  );

  for (let frame = 0; frame < strengths.length; frame++) {
    let best = -1;
    let bestScore = 0;
    for (let step = nearest; step <= farthest && step <= frame; step++) {
      const candidate = at(score, frame - step) - at(costs, step);
      if (best < 0 || candidate > bestScore) [best, bestScore] = [frame - step, candidate];
    }
    // A chain may begin anywhere: nothing behind it is better than something that costs.
    const continues = best >= 0 && bestScore > 0;
    score[frame] = at(strengths, frame) + (continues ? bestScore : 0);
    before[frame] = continues ? best : -1;
  }
  return trimmed(pathTo(lastBeat(score, farthest), before), strengths);
}

/** The best end lies within the last two periods. */
function lastBeat(score: Float32Array, reach: number): number {
  let last = score.length - 1;
  for (let i = Math.max(0, score.length - reach); i < score.length; i++)
    if (at(score, i) > at(score, last)) last = i;
  return last;
}

function pathTo(end: number, before: Int32Array): number[] {
  const beats: number[] = [];
  for (let frame = end; frame >= 0; frame = at(before, frame)) beats.push(frame);
  return beats.toReversed();
}

function trimmed(beats: number[], strengths: Float32Array): number[] {
  const heard = (frame: number) => at(strengths, frame) > LEAST_STRENGTH;
  const first = beats.findIndex(heard);
  return first < 0 ? [] : beats.slice(first, beats.findLastIndex(heard) + 1);
}

function inDeviations(envelope: Float32Array): Float32Array {
  let sum = 0;
  let squares = 0;
  for (const value of envelope) {
    sum += value;
    squares += value * value;
  }
  const variance = squares / envelope.length - (sum / envelope.length) ** 2;
  const deviation = Math.sqrt(Math.max(variance, Number.EPSILON));
  return envelope.map((value) => value / deviation);
}

/** `index` is within the array: the loops run over its length. */
function at(values: Float32Array | Float64Array | Int32Array, index: number): number {
  return values[index] as number;
}
