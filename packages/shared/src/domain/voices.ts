import * as z from "zod";

/**
 * What `speech.speakers` says of voices where it was asked for `embeddings`: of each speaker a vector of length 1, all in one space.
 * Vectors of two spaces say nothing of each other.
 */
const voices = z.object({
  space: z.string(),
  speakers: z.array(
    z.object({ speaker: z.string(), speech_seconds: z.number(), embedding: z.array(z.number()).min(1) }),
  ),
});

export type Voices = z.output<typeof voices>;

/** null: the task was not asked for voices. */
export function parseVoices(result: unknown): Voices | null {
  return voices.safeParse(result).data ?? null;
}

/**
 * From which cosine on two voices are taken to be one person's, by space. It is the threshold that the clustering begins with,
 * not one that was tuned on people.
 */
const THRESHOLDS: Readonly<Record<string, number>> = {
  "wespeaker-voxceleb-resnet34-LM@7bb2f06e9df1": 0.5,
};

/** null: nobody has said one for this space. */
export function thresholdOf(space: string): number | null {
  return THRESHOLDS[space] ?? null;
}

/** Of two vectors of length 1 in one space. @throws RangeError when they have not the same length. */
export function voiceSimilarity(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) throw new RangeError("these vectors are of two spaces");
  return Array.from(one).reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
}
