import { spaceOf } from "./embedding-space.ts";
import { EMBEDDING_SIZE, MUSICNN_FEATURES, MUSICNN_MODEL, MUSICNN_STREAM } from "./music/musicnn.ts";
import { meanOfRows } from "./music/patch-scores.ts";
import type { Task } from "./task.ts";

/** Where a file lies among others: 200 float32 values, the mean over its patches, not normalised. */
export const musicEmbedding: Task<"music.embedding"> = {
  name: "music.embedding",
  stream: MUSICNN_STREAM,

  start(_options, { inference, features }) {
    const musicnn = features.of(MUSICNN_FEATURES);
    return {
      push: (block) => musicnn.push(block),

      async finish() {
        const { embeddings } = await musicnn.finish();
        return {
          ...inference.identify(MUSICNN_MODEL),
          space: spaceOf(inference.describe(MUSICNN_MODEL)),
          vector: [...Float32Array.from(meanOfRows(embeddings, EMBEDDING_SIZE))],
        };
      },
    };
  },
};
