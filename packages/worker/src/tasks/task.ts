import type { MoodCalibration } from "@earshot/shared/domain/mood-calibration";
import type { TaskName, TaskOptions } from "@earshot/shared/domain/tasks";
import type { Inference } from "../inference/inference.ts";
import type { AudioBlock, Media, StreamSpec } from "../input/audio.ts";
import type { JobFeatures } from "./features.ts";

export interface TaskContext {
  media: Media;
  inference: Inference;
  /** What this task has in common with others of the job. */
  features: JobFeatures;
  signal: AbortSignal;
  /** Of the account, where it has one in use. */
  moodCalibration?: MoodCalibration | null | undefined;
}

/** What a task found: who computed it, and the fields of DESIGN §6. */
export interface TaskOutput {
  model: string | null;
  version: string;
  device: string;
  [field: string]: unknown;
}

/** One pass over one file. `push` is awaited before the next block: that is the back-pressure. */
export interface TaskRun {
  push(block: AudioBlock): void | Promise<void>;
  /** @throws AppError `input_too_short` and the like: it fails this task alone. */
  finish(): TaskOutput | Promise<TaskOutput>;
}

export interface Task<Name extends TaskName> {
  name: Name;
  stream: StreamSpec;
  start(options: TaskOptions<Name>, context: TaskContext): TaskRun;
}
