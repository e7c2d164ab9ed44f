import { setImmediate } from "node:timers/promises";
import { AppError } from "@earshot/shared/domain/errors";
import { roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import { KALDI_FBANK } from "../signal/kaldi-fbank.ts";
import type { AudioBlock } from "../input/audio.ts";
import { ChunkCutter } from "../signal/chunk-cutter.ts";
import { spaceOf } from "./embedding-space.ts";
import { valuesOf } from "./music/musicnn.ts";
import { RunWindow } from "./run-window.ts";
import { assignVoices } from "./speakers/assign-voices.ts";
import { clusterVoices, directionOf } from "./speakers/cluster-voices.ts";
import type { ClusterOptions } from "./speakers/cluster-voices.ts";
import { HeardWindows } from "./speakers/heard-windows.ts";
import type { Voice } from "./speakers/heard-windows.ts";
import {
  decodePowerset,
  framesWithin,
  HOP_FRAMES,
  HOP_SAMPLES,
  SEGMENTATION,
} from "./speakers/segmentation.ts";
import { secondsOf, turnsOf } from "./speakers/speaker-turns.ts";
import type { FrameTurn } from "./speakers/speaker-turns.ts";
import { VOICE_FRAMES, voiceRows } from "./speakers/voice-rows.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";

const SEGMENTATION_MODEL = "pyannote-segmentation-3.0";
const VOICE_MODEL = "wespeaker-voxceleb-resnet34-LM";
/** A voice that speaks alone for less in a window is told from others, but does not make a speaker. */
const LEAST_CLEAN_SECONDS = 1;

/**
 * Who speaks when: a model hears up to three speakers in each 10 s, another makes a vector of each one's voice, and those that
 * are near each other are one speaker of the whole file.
 */
export const speechSpeakers: Task<"speech.speakers"> = {
  name: "speech.speakers",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SEGMENTATION.sampleRateHz },
  start: (options, context) => new SpeakersRun(options, context),
};

class SpeakersRun implements TaskRun {
  readonly #options: TaskOptions<"speech.speakers">;
  readonly #context: TaskContext;
  readonly #cutter = new ChunkCutter(SEGMENTATION.windowSamples, HOP_SAMPLES);
  readonly #runs: RunWindow;
  readonly #windows = new HeardWindows();
  #started = 0;
  #samples = 0;

  constructor(options: TaskOptions<"speech.speakers">, context: TaskContext) {
    this.#options = options;
    this.#context = context;
    this.#runs = new RunWindow(context.inference.window);
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    if (this.#samples === 0) await this.#load();
    this.#samples += samples.length;
    for (const window of this.#cutter.push(samples)) await this.#start(window);
  }

  async finish(): Promise<TaskOutput> {
    if (this.#samples === 0) throw new AppError("input_too_short", { detail: { duration_seconds: 0 } });
    const rest = this.#cutter.rest();
    if (rest !== null) await this.#start(rest);
    await this.#runs.settled();
    const speakers = await this.#speakers();
    return { ...this.#context.inference.identify(SEGMENTATION_MODEL), ...this.#outputOf(speakers) };
  }

  /** A model that is missing is told before hours of audio were read for it. */
  async #load(): Promise<void> {
    const { inference, signal } = this.#context;
    await inference.load(SEGMENTATION_MODEL, signal);
    await inference.load(VOICE_MODEL, signal);
  }

  #start(data: Float32Array): Promise<void> {
    const index = this.#started++;
    return this.#runs.start(async () => {
      const { inference, signal } = this.#context;
      const found = await inference.run(
        SEGMENTATION_MODEL,
        { x: { data, dims: [1, 1, data.length] } },
        signal,
      );
      const codes = decodePowerset(valuesOf(found, "y"));
      const voices = await Promise.all([0, 1, 2].map((local) => this.#voiceOf(data, codes, local)));
      this.#windows.set(index, codes, voices);
    });
  }

  async #voiceOf(window: Float32Array, codes: Uint8Array, local: number): Promise<Voice | null> {
    const rows = voiceRows(window, codes, local);
    if (rows === null) return null;
    const { inference, signal } = this.#context;
    const feats = { data: rows.feats, dims: [1, VOICE_FRAMES, KALDI_FBANK.bands] };
    const found = await inference.run(VOICE_MODEL, { feats }, signal);
    const embedding = directionOf(valuesOf(found, "embs"));
    return embedding === null ? null : { embedding, cleanSeconds: rows.cleanSeconds };
  }

  #speakers(): Promise<Float32Array[]> {
    const isAnyClean = this.#windows.voices(LEAST_CLEAN_SECONDS).next().done === false;
    const voices = this.#windows.voices(isAnyClean ? LEAST_CLEAN_SECONDS : 0);
    return clusterVoices(voices, this.#clusterOptions(), () => setImmediate());
  }

  #clusterOptions(): ClusterOptions {
    const { threshold, min_speakers: minSpeakers, max_speakers: maxSpeakers = Infinity } = this.#options;
    return { threshold, minSpeakers, maxSpeakers };
  }

  #outputOf(directions: readonly Float32Array[]) {
    const frames = Math.min(
      framesWithin(this.#samples),
      (this.#windows.length - 1) * HOP_FRAMES + SEGMENTATION.frames,
    );
    const { turns, exclusive } = turnsOf(
      Array.from({ length: this.#windows.length }, (_, window) => ({
        codes: this.#windows.codesOf(window),
        speakers: assignVoices(this.#windows.embeddingsOf(window), directions),
      })),
      {
        frames,
        speakers: directions.length,
        minTurnFrames: framesOf(this.#options.min_turn_seconds),
        minGapFrames: framesOf(this.#options.min_gap_seconds),
      },
    );
    const order = [...new Set(turns.map(({ speaker }) => speaker))];
    const told = (all: readonly FrameTurn[]) => all.map((turn) => this.#told(turn, order, frames));
    return {
      speaker_count: order.length,
      ...(this.#options.embeddings ? { space: spaceOf(this.#context.inference.describe(VOICE_MODEL)) } : {}),
      speakers: order.map((speaker) => ({
        speaker: labelOf(speaker, order),
        speech_seconds: this.#secondsOf(turns, speaker, frames),
        ...(this.#options.embeddings ? { embedding: [...(directions[speaker] ?? [])] } : {}),
      })),
      turns: told(turns),
      exclusive_turns: told(exclusive),
    };
  }

  #told(turn: FrameTurn, order: readonly number[], frames: number) {
    const { start, end } = secondsOf(turn, frames, this.#samples);
    return { start: roundSeconds(start), end: roundSeconds(end), speaker: labelOf(turn.speaker, order) };
  }

  #secondsOf(turns: readonly FrameTurn[], speaker: number, frames: number): number {
    const own = turns
      .filter((turn) => turn.speaker === speaker)
      .map((turn) => secondsOf(turn, frames, this.#samples));
    return roundSeconds(own.reduce((sum, { start, end }) => sum + end - start, 0));
  }
}

/** In the order of their first turn. */
function labelOf(speaker: number, order: readonly number[]): string {
  return `speaker_${order.indexOf(speaker) + 1}`;
}

function framesOf(seconds: number): number {
  return Math.round((seconds * SEGMENTATION.sampleRateHz) / SEGMENTATION.frameSamples);
}
