export interface TempoCandidate {
  bpm: number;
  /** Share of the strength of all candidates, 0 to 1. */
  strength: number;
}

export interface Tempo {
  bpm: number;
  /** 0 to 1: how periodic the onsets are at that tempo, times the share of the time in which they are. */
  confidence: number;
  /** Best first; octaves (half, double) and the like are among them. */
  candidates: TempoCandidate[];
}

const LOWEST_BPM = 30;
const HIGHEST_BPM = 300;
/** Neighbouring tempi of the grid are 1 % apart. */
const STEPS = Math.ceil(Math.log(HIGHEST_BPM / LOWEST_BPM) / Math.log(1.01));
const GRID = Float64Array.from(
  { length: STEPS + 1 },
  (_, i) => LOWEST_BPM * (HIGHEST_BPM / LOWEST_BPM) ** (i / STEPS),
);
const WINDOW_SECONDS = 12;
const HOP_SECONDS = 6;
/** Of long audio that many windows are looked at, evenly spread: twenty minutes whole. */
const MOST_WINDOWS = 200;
/** Shorter audio has no two beats of a slow tempo. */
const LEAST_SECONDS = 1.5;
/** Where people tap: a log-normal prior as in Ellis (JNMR 2007). Its centre and width are fitted to the loops of tempo.loops.test.ts. */
const PRIOR_BPM = 105;
const PRIOR_OCTAVES = 0.55;
const MOST_CANDIDATES = 5;
/** Two estimates within 4 % are the same tempo (MIREX). */
const SAME = 0.04;
const SMOOTHING = [0.4, 0.24, 0.06];
/** Of the envelope about its mean: held tones flicker by less. */
const LEAST_POWER = 1e-6;
/** What chance alone brings about in the best lag of one window of noise; in several it falls with their root. */
const LEAST_PERIODICITY = 0.17;

/**
 * The tempo of an onset envelope: in windows of 12 s the product of its autocorrelation, which peaks at the period and its
 * multiples, and of its Fourier transform, which peaks at the rate and its multiples (Peeters, EURASIP 2007): together they
 * agree on one octave. Null where nothing repeats.
 * @param envelope Onset strength, `frameRateHz` values a second.
 */
export function estimateTempo(envelope: Float32Array, frameRateHz: number): Tempo | null {
  if (envelope.length < LEAST_SECONDS * frameRateHz) return null;
  const windows = [...windowsOf(envelope, frameRateHz)].map((window) => analyse(window, frameRateHz));
  const sounding = windows.filter(({ isSilent }) => !isSilent);
  const scores = new Float64Array(GRID.length);
  for (const { score } of sounding) add(scores, score);
  const best = indexOfMax(scores);
  if (best === null) return null;

  const bpm = refine(GRID[best] ?? 0, sounding, frameRateHz);
  const periodicity = mean(
    sounding.map(({ correlation }) => Math.max(0, valueAt(correlation, (60 * frameRateHz) / bpm))),
  );
  if (periodicity < LEAST_PERIODICITY / Math.sqrt(sounding.length)) return null;
  const agreeing = sounding.filter(({ score }) => isSame(GRID[indexOfMax(score) ?? 0] ?? 0, bpm)).length;
  return {
    bpm,
    confidence: Math.min(1, periodicity) * (agreeing / windows.length),
    candidates: candidatesOf(scores, bpm),
  };
}

interface Analysed {
  isSilent: boolean;
  /** Of each tempo of the grid. */
  score: Float64Array;
  /** Of each lag in frames; 1 at lag 0. */
  correlation: Float64Array;
}

function* windowsOf(envelope: Float32Array, frameRateHz: number): Generator<Float32Array> {
  const size = Math.round(WINDOW_SECONDS * frameRateHz);
  const hop = Math.max(Math.round(HOP_SECONDS * frameRateHz), Math.ceil(envelope.length / MOST_WINDOWS));
  for (let start = 0; start === 0 || start + size <= envelope.length; start += hop) {
    yield envelope.subarray(start, start + size);
  }
}

function analyse(window: Float32Array, frameRateHz: number): Analysed {
  const centred = withoutMean(smoothed(window));
  const spectrum = perUnitOfPower(hannWindowed(centred));
  const correlation = autocorrelate(centred, Math.ceil((4 * 60 * frameRateHz) / LOWEST_BPM));
  const score = GRID.map((bpm) => {
    const lag = (60 * frameRateHz) / bpm;
    const octaves = Math.log2(bpm / PRIOR_BPM) / PRIOR_OCTAVES;
    return (
      repeats(correlation, lag) *
      magnitudeAt(spectrum, bpm / 60 / frameRateHz) *
      Math.exp(-0.5 * octaves * octaves)
    );
  });
  return { isSilent: correlation[0] === 0, score, correlation };
}

/** What repeats after one beat repeats after two and after a bar of four; three against four does not. */
function repeats(correlation: Float64Array, lag: number): number {
  const [beat = 0, ...more] = [1, 2, 4]
    .filter((beats) => beats * lag < correlation.length - 1)
    .map((beats) => Math.max(0, valueAt(correlation, beats * lag)));
  const [two = beat, four = two] = more;
  return (beat * (two + 2 * four)) / 3;
}

/** Onsets smeared by a few frames still meet their repetition when players are not machines. */
function smoothed(values: Float32Array): Float32Array {
  return values.map((_, i) => {
    let sum = 0;
    for (let k = -SMOOTHING.length + 1; k < SMOOTHING.length; k++) {
      sum += (values[i + k] ?? 0) * (SMOOTHING[Math.abs(k)] ?? 0);
    }
    return sum;
  });
}

function withoutMean(values: Float32Array): Float64Array {
  const average = mean(values);
  return Float64Array.from(values, (value) => value - average);
}

/** Each lag's sum is divided by its own number of products, and all by that of lag 0. All zero for a constant. */
function autocorrelate(values: Float64Array, maxLag: number): Float64Array {
  const correlation = new Float64Array(Math.min(maxLag, Math.floor(values.length * 0.75)) + 1);
  for (let lag = 0; lag < correlation.length; lag++) {
    let sum = 0;
    for (let i = lag; i < values.length; i++) sum += at(values, i) * at(values, i - lag);
    correlation[lag] = sum / (values.length - lag);
  }
  const power = at(correlation, 0);
  return power > LEAST_POWER ? correlation.map((value) => value / power) : correlation.fill(0);
}

/** Of the Fourier transform at a frequency in cycles a frame. */
function magnitudeAt(values: Float64Array, frequency: number): number {
  const turnRe = Math.cos(2 * Math.PI * frequency);
  const turnIm = Math.sin(2 * Math.PI * frequency);
  // Horner's scheme: the phase of the sum differs, its magnitude does not.
  let re = 0;
  let im = 0;
  for (let i = 0; i < values.length; i++) {
    const turned = re * turnRe - im * turnIm;
    im = re * turnIm + im * turnRe;
    re = turned + at(values, i);
  }
  return Math.hypot(re, im);
}

function hannWindowed(values: Float64Array): Float64Array {
  return values.map((value, i) => value * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / values.length)));
}

/** 1 is the most that any tempo could have: windows weigh alike, however loud they are. */
function perUnitOfPower(values: Float64Array): Float64Array {
  let power = 0;
  for (const value of values) power += value * value;
  return power === 0 ? values : values.map((value) => value / Math.sqrt(power * values.length));
}

/** The grid's tempo, sharpened at the correlation's peaks one, two, four and eight beats away: the further, the finer. */
function refine(bpm: number, windows: readonly Analysed[], frameRateHz: number): number {
  const length = Math.min(...windows.map(({ correlation }) => correlation.length));
  const total = new Float64Array(length);
  for (const { correlation } of windows) add(total, correlation.subarray(0, length));
  let lag = (60 * frameRateHz) / bpm;
  for (const beats of [1, 2, 4, 8]) {
    const peak = peakNear(total, lag * beats, Math.max(1, lag * 0.06));
    if (peak !== null) lag = peak / beats;
  }
  return (60 * frameRateHz) / lag;
}

/** The highest point within `reach` of `lag`, between samples by a parabola; null where it rises to the edge. */
function peakNear(values: Float64Array, lag: number, reach: number): number | null {
  const first = Math.max(1, Math.floor(lag - reach));
  const last = Math.ceil(lag + reach);
  if (last > values.length - 2) return null;
  let best = first;
  for (let i = first; i <= last; i++) if (at(values, i) > at(values, best)) best = i;
  if (best === first || best === last) return null;
  const [left, middle, right] = [at(values, best - 1), at(values, best), at(values, best + 1)];
  const curvature = left - 2 * middle + right;
  return curvature < 0 ? best + (left - right) / (2 * curvature) : best;
}

/** Local maxima of the summed scores, the chosen tempo first. */
function candidatesOf(scores: Float64Array, bpm: number): TempoCandidate[] {
  const peaks = [...scores.keys()]
    .filter((i) => at(scores, i) > (scores[i - 1] ?? 0) && at(scores, i) >= (scores[i + 1] ?? 0))
    .map((i) => ({ bpm: at(GRID, i), strength: at(scores, i) }))
    .toSorted((a, b) => b.strength - a.strength)
    .slice(0, MOST_CANDIDATES);
  const sum = peaks.reduce((total, { strength }) => total + strength, 0);
  return peaks.map(({ bpm: at, strength }, index) => ({
    bpm: index === 0 ? bpm : at,
    strength: strength / sum,
  }));
}

/** Whether two tempi are one within the 4 % that MIREX allows. */
export function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME * b;
}

function indexOfMax(values: Float64Array): number | null {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (at(values, i) > at(values, best)) best = i;
  return at(values, best) > 0 ? best : null;
}

function valueAt(values: Float64Array, position: number): number {
  const index = Math.floor(position);
  const rest = position - index;
  return (values[index] ?? 0) * (1 - rest) + (values[index + 1] ?? 0) * rest;
}

function add(to: Float64Array, values: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = at(to, i) + at(values, i);
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return values.length === 0 ? 0 : sum / values.length;
}

/** `index` is within the array: the loops run over its length. */
function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
