import { byHead, loadMoodHeads, MOOD_HEADS, runMoodHeads } from "./music/mood-heads.ts";
import { moodTags } from "./music/mood-tags.ts";
import { MUSICNN_FEATURES, MUSICNN_MODEL, MUSICNN_STREAM, patchTimestamps } from "./music/musicnn.ts";
import { pooledScores, scoresOverTime } from "./music/patch-scores.ts";
import type { Task } from "./task.ts";

/** Nine pairs of classes, from happy or not to voice or instrumental, each by a head of its own on MusiCNN's embeddings. */
export const musicMood: Task<"music.mood"> = {
  name: "music.mood",
  stream: MUSICNN_STREAM,

  start(_options, { inference, features, signal }) {
    const musicnn = features.of(MUSICNN_FEATURES);
    let loading: Promise<void> | undefined;
    return {
      async push(block) {
        await musicnn.push(block);
        // A head that is missing is told before the rest of the audio was read for it.
        loading ??= loadMoodHeads(inference, signal);
        await loading;
      },

      async finish() {
        const found = await musicnn.finish();
        const scores = await runMoodHeads(found, inference, signal);
        const heads = byHead((head) => pooledScores(scores[head]));
        return {
          ...inference.identify(MUSICNN_MODEL),
          heads,
          tags: moodTags(Object.fromEntries(Object.values(heads).flatMap(Object.entries<number>))),
          segments: {
            timestamps_seconds: patchTimestamps(found.patches),
            values: byHead((head) => ({
              [MOOD_HEADS[head]]: scoresOverTime(scores[head], MOOD_HEADS[head]),
            })),
          },
        };
      },
    };
  },
};
