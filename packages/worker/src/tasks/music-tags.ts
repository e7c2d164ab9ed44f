import { MUSICNN_FEATURES, MUSICNN_MODEL, MUSICNN_STREAM, patchTimestamps } from "./music/musicnn.ts";
import { labelsOf, pooledScores, scoresOverTime } from "./music/patch-scores.ts";
import type { Task } from "./task.ts";

/** How well each of the 50 tags of MSD-MusiCNN fits: over the whole file, and every 1.5 s for the 3 s from there. */
export const musicTags: Task<"music.tags"> = {
  name: "music.tags",
  stream: MUSICNN_STREAM,

  start(_options, { inference, features }) {
    const musicnn = features.of(MUSICNN_FEATURES);
    return {
      push: (block) => musicnn.push(block),

      async finish() {
        const { patches, activations } = await musicnn.finish();
        const labels = labelsOf(inference.describe(MUSICNN_MODEL));
        const scores = { labels, values: activations };
        return {
          ...inference.identify(MUSICNN_MODEL),
          scores: pooledScores(scores),
          segments: {
            timestamps_seconds: patchTimestamps(patches),
            values: Object.fromEntries(labels.map((label) => [label, scoresOverTime(scores, label)])),
          },
        };
      },
    };
  },
};
