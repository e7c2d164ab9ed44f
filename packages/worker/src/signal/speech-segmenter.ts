/** Samples [start, end). */
export interface SampleSpan {
  start: number;
  end: number;
}

export interface SegmenterOptions {
  /** Samples that one probability stands for. */
  windowSamples: number;
  /** Speech begins at a window with at least this probability … */
  threshold: number;
  /** … and a silence at one below this. A value above `threshold` counts as `threshold`. */
  thresholdOff: number;
  /** Speech that does not last longer than this is dropped. */
  minSpeechSamples: number;
  /** A shorter silence does not end speech. */
  minSilenceSamples: number;
  /** Added on both sides of each span, at most to the middle of the gap between two. */
  paddingSamples: number;
}

/**
 * Speech probabilities, one a window, to spans of speech. It follows `get_speech_timestamps` of
 * snakers4/silero-vad (without its maximum length): a silence is measured from its first window below
 * `thresholdOff` to the start of a later one, windows between the two thresholds neither end nor continue
 * it, and speech whose last silence was too short lasts to the end of the audio.
 */
export class SpeechSegmenter {
  readonly #options: SegmenterOptions;
  readonly #spans: SampleSpan[] = [];
  #position = 0;
  #speechStart: number | null = null;
  #silenceStart: number | null = null;

  constructor(options: SegmenterOptions) {
    this.#options = options;
  }

  /** The probability of the next window. */
  push(probability: number): void {
    const { threshold, thresholdOff, windowSamples } = this.#options;
    if (probability >= threshold) {
      this.#silenceStart = null;
      this.#speechStart ??= this.#position;
    } else if (probability < thresholdOff && this.#speechStart !== null) {
      this.#endSpeechAfterSilence(this.#speechStart);
    }
    this.#position += windowSamples;
  }

  /** `totalSamples`: the true length of the audio, the padding of its last window left out. */
  finish(totalSamples: number): SampleSpan[] {
    if (this.#speechStart !== null) this.#keep({ start: this.#speechStart, end: totalSamples });
    return pad(this.#spans, this.#options.paddingSamples, totalSamples);
  }

  #endSpeechAfterSilence(start: number): void {
    this.#silenceStart ??= this.#position;
    if (this.#position - this.#silenceStart < this.#options.minSilenceSamples) return;
    this.#keep({ start, end: this.#silenceStart });
    this.#speechStart = null;
    this.#silenceStart = null;
  }

  #keep(span: SampleSpan): void {
    if (span.end - span.start > this.#options.minSpeechSamples) this.#spans.push(span);
  }
}

/** Widens each span by `padding`, clamped to the audio; two that would meet share the gap between them. */
function pad(spans: readonly SampleSpan[], padding: number, totalSamples: number): SampleSpan[] {
  return spans.map(({ start, end }, index) => ({
    start: Math.max(0, start - roomOf(spans[index - 1], spans[index], padding)),
    end: Math.min(totalSamples, end + roomOf(spans[index], spans[index + 1], padding)),
  }));
}

/** How far two neighbours may each grow into the gap between them. */
function roomOf(before: SampleSpan | undefined, after: SampleSpan | undefined, padding: number): number {
  if (before === undefined || after === undefined) return padding;
  const gap = after.start - before.end;
  return Math.min(padding, Math.floor(gap / 2));
}
