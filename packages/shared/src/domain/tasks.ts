import * as z from "zod";
import { TRANSCRIPT_LANGUAGES } from "./transcript-languages.ts";

const seconds = (fallback: number) => z.number().min(0).max(60).default(fallback);

/** Of SwiftF0. */
const PITCH_RANGE_HZ = { lowest: 46.875, highest: 2_093.75 };

const pianoHz = z.number().min(27.5).max(4_186.01);

const MOST_SPEAKERS = 64;

/**
 * The task catalog: what a job may ask for, with the options of each. A task's code is one file of the
 * worker with the same name; `model` names its entry in the worker's models.json.
 */
export const TASKS = {
  "audio.features": {
    title: "Loudness (EBU R 128), silences, tempo, beats, key",
    model: null,
    options: z.strictObject({
      silence_threshold_dbfs: z.number().min(-120).max(0).default(-60),
      silence_min_seconds: seconds(0.5),
    }),
  },
  "speech.segments": {
    title: "Where somebody speaks (voice activity detection)",
    model: "silero_vad",
    options: z
      .strictObject({
        threshold: z.number().gt(0).lt(1).default(0.5),
        // Without it 0.15 below the threshold, as Silero itself does: 0.35.
        threshold_off: z.number().gt(0).lt(1).optional(),
        min_speech_seconds: seconds(0.25),
        min_silence_seconds: seconds(0.1),
        padding_seconds: seconds(0.03),
        probabilities: z.boolean().default(false),
      })
      .refine(({ threshold, threshold_off }) => (threshold_off ?? 0) <= threshold, {
        path: ["threshold_off"],
        error: "must not be above threshold",
      })
      .transform((options) => ({
        ...options,
        threshold_off: options.threshold_off ?? Math.max(0.01, options.threshold - 0.15),
      })),
  },
  "speech.quality": {
    title: "How good speech sounds: mean opinion scores of signal, background and overall (DNSMOS)",
    model: "dnsmos_sig_bak_ovr",
    options: z.strictObject({}),
  },
  "speech.transcription": {
    title: "What is said, with the times of words and the language (Whisper)",
    model: "whisper-base",
    options: z.strictObject({
      // Without it the language is that of the first 30 s of speech.
      language: z.enum(TRANSCRIPT_LANGUAGES).optional(),
      task: z.enum(["transcribe", "translate"]).default("transcribe"),
      // Names and words as they are spelled: what the model takes for said before.
      initial_prompt: z.string().max(2_000).optional(),
      // Without it 0, and more where that repeats itself or is unsure.
      temperature: z.number().min(0).max(1).optional(),
    }),
  },
  "speech.speakers": {
    title: "Who speaks when: turns with labels that hold for the whole file",
    model: "pyannote-segmentation-3.0",
    options: z
      .strictObject({
        min_speakers: z.int().min(1).max(MOST_SPEAKERS).default(1),
        max_speakers: z.int().min(1).max(MOST_SPEAKERS).optional(),
        // Of the mean cosine of voices: below it they are two speakers.
        threshold: z.number().min(0).max(1).default(0.5),
        min_turn_seconds: seconds(0.1),
        min_gap_seconds: seconds(0.25),
        // A voice's vector tells a person from others: nobody gets it who does not ask.
        embeddings: z.boolean().default(false),
      })
      .refine(({ min_speakers, max_speakers = MOST_SPEAKERS }) => min_speakers <= max_speakers, {
        path: ["max_speakers"],
        error: "must not be below min_speakers",
      }),
  },
  "music.pitch": {
    title: "The fundamental frequency of one voice over time (SwiftF0)",
    model: "swift_f0",
    options: z
      .strictObject({
        // The published default.
        confidence_threshold: z.number().min(0).max(1).default(0.9),
        min_hz: z
          .number()
          .min(PITCH_RANGE_HZ.lowest)
          .max(PITCH_RANGE_HZ.highest)
          .default(PITCH_RANGE_HZ.lowest),
        max_hz: z
          .number()
          .min(PITCH_RANGE_HZ.lowest)
          .max(PITCH_RANGE_HZ.highest)
          .default(PITCH_RANGE_HZ.highest),
      })
      .refine(({ min_hz, max_hz }) => min_hz < max_hz, { path: ["max_hz"], error: "must be above min_hz" }),
  },
  "music.notes": {
    title: "Notes of several voices: start, end, pitch and loudness of each (Basic Pitch)",
    model: "basic_pitch_nmp",
    // The published defaults.
    options: z
      .strictObject({
        onset_threshold: z.number().min(0.05).max(1).default(0.5),
        frame_threshold: z.number().min(0.05).max(1).default(0.3),
        min_note_seconds: z.number().min(0.02).max(60).default(0.1277),
        min_hz: pianoHz.optional(),
        max_hz: pianoHz.optional(),
        // Notes of energy that no onset accounts for.
        without_onset: z.boolean().default(true),
        pitch_bends: z.boolean().default(false),
      })
      .refine(({ min_hz = 0, max_hz = Infinity }) => min_hz < max_hz, {
        path: ["max_hz"],
        error: "must be above min_hz",
      }),
  },
  "music.tags": {
    title: "Fifty tags of genre, mood and instruments, over time",
    model: "msd-musicnn-1",
    options: z.strictObject({}),
  },
  "music.mood": {
    title: "Mood, danceability, voice and tonality, over time",
    model: "msd-musicnn-1",
    options: z.strictObject({}),
  },
  "music.embedding": {
    title: "A vector by which similar music is found",
    model: "msd-musicnn-1",
    options: z.strictObject({}),
  },
} as const;

export type TaskName = keyof typeof TASKS;
export type TaskOptions<Name extends TaskName> = z.output<(typeof TASKS)[Name]["options"]>;

export const TASK_NAMES = Object.keys(TASKS) as [TaskName, ...TaskName[]];

/** Models that an install brings with it. The weights of the others must be pulled, and their licence accepted. */
const BUNDLED_MODELS: readonly (string | null)[] = [null, "silero_vad"];

/** The tasks that run on a fresh install. */
export const BUNDLED_TASK_NAMES: readonly TaskName[] = TASK_NAMES.filter((name) =>
  BUNDLED_MODELS.includes(TASKS[name].model),
);

export function isTaskName(name: string): name is TaskName {
  return Object.hasOwn(TASKS, name);
}
