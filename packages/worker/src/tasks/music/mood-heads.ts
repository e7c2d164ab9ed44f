import type { Inference } from "../../inference/inference.ts";
import { EMBEDDING_SIZE, MUSICNN_MODEL, valuesOf } from "./musicnn.ts";
import type { MusicnnFeatures } from "./musicnn.ts";
import { labelsOf } from "./patch-scores.ts";
import type { PatchScores } from "./patch-scores.ts";

/** The classifiers on MusiCNN's embeddings, each with the class that stands for it over time. */
export const MOOD_HEADS = {
  danceability: "danceable",
  gender: "female",
  mood_aggressive: "aggressive",
  mood_happy: "happy",
  mood_party: "party",
  mood_relaxed: "relaxed",
  mood_sad: "sad",
  tonal_atonal: "tonal",
  voice_instrumental: "voice",
} as const;

export type MoodHead = keyof typeof MOOD_HEADS;
export type MoodScores = Readonly<Record<MoodHead, PatchScores>>;

export const MOOD_HEAD_NAMES = Object.keys(MOOD_HEADS) as MoodHead[];

/** 26 minutes of audio, 0.8 MB. The head itself does next to nothing. */
const PATCHES_PER_RUN = 1_024;

export function byHead<T>(valueOf: (head: MoodHead) => T): Record<MoodHead, T> {
  return Object.fromEntries(MOOD_HEAD_NAMES.map((head) => [head, valueOf(head)])) as Record<MoodHead, T>;
}

export async function loadMoodHeads(inference: Inference, signal: AbortSignal): Promise<void> {
  for (const head of MOOD_HEAD_NAMES) await inference.load(modelOf(head), signal);
}

/** @throws AppError as `inference.run` does. */
export async function runMoodHeads(
  features: MusicnnFeatures,
  inference: Inference,
  signal: AbortSignal,
): Promise<MoodScores> {
  const scores = await Promise.all(
    MOOD_HEAD_NAMES.map((head) => runHead(modelOf(head), features, inference, signal)),
  );
  return Object.fromEntries(MOOD_HEAD_NAMES.map((head, index) => [head, scores[index]])) as MoodScores;
}

async function runHead(
  modelId: string,
  { patches, embeddings }: MusicnnFeatures,
  inference: Inference,
  signal: AbortSignal,
): Promise<PatchScores> {
  const labels = labelsOf(inference.describe(modelId));
  const values = new Float32Array(patches * labels.length);
  for (let first = 0; first < patches; first += PATCHES_PER_RUN) {
    const count = Math.min(PATCHES_PER_RUN, patches - first);
    const data = embeddings.subarray(first * EMBEDDING_SIZE, (first + count) * EMBEDDING_SIZE);
    const feeds = { embeddings: { data, dims: [count, EMBEDDING_SIZE] } };
    values.set(valuesOf(await inference.run(modelId, feeds, signal), "activations"), first * labels.length);
  }
  return { labels, values };
}

function modelOf(head: MoodHead): string {
  return `${head}-${MUSICNN_MODEL}`;
}
