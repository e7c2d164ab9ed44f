import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import type { Inference, ModelIdentity } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";
import { SpeechSegmenter } from "../signal/speech-segmenter.ts";
import type { SampleSpan } from "../signal/speech-segmenter.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";
import { SAMPLE_RATE_HZ, VOICE_MODEL, VoiceActivity, WINDOW_SAMPLES } from "./voice-activity.ts";

export const speechSegments: Task<"speech.segments"> = {
  name: "speech.segments",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SAMPLE_RATE_HZ },
  start: (options, context) => new SpeechSegmentsRun(options, context),
};

class SpeechSegmentsRun implements TaskRun {
  readonly #inference: Inference;
  readonly #activity: VoiceActivity;
  readonly #segmenter: SpeechSegmenter;
  readonly #probabilities: number[] | null;

  constructor(options: TaskOptions<"speech.segments">, context: TaskContext) {
    this.#inference = context.inference;
    this.#activity = new VoiceActivity(context, (probability) => this.#take(probability));
    this.#probabilities = options.probabilities ? [] : null;
    this.#segmenter = new SpeechSegmenter({
      windowSamples: WINDOW_SAMPLES,
      threshold: options.threshold,
      thresholdOff: options.threshold_off,
      minSpeechSamples: samplesOf(options.min_speech_seconds),
      minSilenceSamples: samplesOf(options.min_silence_seconds),
      paddingSamples: samplesOf(options.padding_seconds),
    });
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples !== undefined) await this.#activity.push(samples);
  }

  async finish(): Promise<TaskOutput> {
    const totalSamples = await this.#activity.finish();
    const spans = this.#segmenter.finish(totalSamples);
    return outputOf(this.#inference.identify(VOICE_MODEL), spans, totalSamples, this.#probabilities);
  }

  #take(probability: number): void {
    this.#segmenter.push(probability);
    this.#probabilities?.push(roundScore(probability));
  }
}

function outputOf(
  identity: ModelIdentity,
  spans: readonly SampleSpan[],
  totalSamples: number,
  probabilities: readonly number[] | null,
): TaskOutput {
  const speechSamples = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    ...identity,
    segments: spans.map(({ start, end }) => ({ start: secondsOf(start), end: secondsOf(end) })),
    speech_seconds: secondsOf(speechSamples),
    speech_ratio: roundScore(speechSamples / totalSamples),
    ...(probabilities === null ? {} : { probabilities }),
  };
}

function secondsOf(samples: number): number {
  return roundSeconds(samples / SAMPLE_RATE_HZ);
}

function samplesOf(seconds: number): number {
  return Math.round(seconds * SAMPLE_RATE_HZ);
}
