import type { Inference } from "../../inference/inference.ts";
import { JobFeatures } from "../features.ts";
import type { TaskContext, TaskOutput, TaskRun } from "../task.ts";

/** One task alone over mono samples, in blocks as a decoder gives them. */
export async function hear(
  start: (context: TaskContext) => TaskRun,
  samples: Float32Array,
  {
    inference,
    sampleRateHz,
    blockSamples,
  }: { inference: Inference; sampleRateHz: number; blockSamples: number },
): Promise<TaskOutput> {
  const { signal } = new AbortController();
  const run = start({
    media: {
      format: "wav",
      codec: "pcm_f32le",
      channels: 1,
      channelLayout: "mono",
      sampleRateHz,
      durationSeconds: null,
    },
    inference,
    features: new JobFeatures({ inference, signal }),
    signal,
  });
  for (let at = 0; at < samples.length; at += blockSamples)
    await run.push({ channels: [samples.subarray(at, at + blockSamples)] });
  return run.finish();
}
