import { dot } from "./cluster-voices.ts";

/**
 * Which speaker each voice of a window is: the choice of different speakers whose cosines have the largest sum. Where the
 * window has more voices than there are speakers, each is the nearest.
 * @param embeddings Of length 1; null for a voice that is hardly heard, which is nobody's.
 * @returns for each voice the index of its speaker, or -1.
 */
export function assignVoices(
  embeddings: readonly (Float32Array | null)[],
  speakers: readonly Float32Array[],
): number[] {
  const voices = embeddings.flatMap((embedding, voice) => (embedding === null ? [] : [{ voice, embedding }]));
  const rankings = voices.map(({ embedding }) => nearest(embedding, speakers).slice(0, voices.length));
  const isCrowded = voices.length > speakers.length;
  const chosen = isCrowded
    ? rankings.map(([first]) => first?.speaker ?? -1)
    : bestChoice(rankings, []).speakers;
  const assigned = embeddings.map(() => -1);
  for (const [index, { voice }] of voices.entries()) assigned[voice] = chosen[index] ?? -1;
  return assigned;
}

interface Ranked {
  speaker: number;
  similarity: number;
}

function nearest(embedding: Float32Array, speakers: readonly Float32Array[]): Ranked[] {
  return speakers
    .map((direction, speaker) => ({ speaker, similarity: dot(embedding, direction) }))
    .toSorted((a, b) => b.similarity - a.similarity);
}

/** Of each ranking one, all different. As many as there are voices are enough to look at: one of them is always free. */
function bestChoice(
  [ranking, ...others]: readonly (readonly Ranked[])[],
  taken: readonly number[],
): { speakers: number[]; sum: number } {
  if (ranking === undefined) return { speakers: [], sum: 0 };
  const choices = ranking
    .filter(({ speaker }) => !taken.includes(speaker))
    .map(({ speaker, similarity }) => {
      const rest = bestChoice(others, [...taken, speaker]);
      return { speakers: [speaker, ...rest.speakers], sum: similarity + rest.sum };
    });
  return choices.toSorted((a, b) => b.sum - a.sum)[0] ?? { speakers: [-1], sum: 0 };
}
