import type { JobErrorCode } from "./errors.ts";

/** What is known of a file once it was probed and decoded. Seconds are floats; `sha256` is lower-case hex. */
export interface InputInfo {
  duration_seconds: number;
  codec: string;
  channels: number;
  sample_rate: number;
  sha256: string;
  tags: Record<string, string>;
  truncated?: true;
  declared_seconds?: number;
}

export interface TaskError {
  code: JobErrorCode;
  message: string;
  detail?: Record<string, unknown>;
}

interface TaskResultHead {
  task: string;
  model: string | null;
  version: string;
  device: string;
}

/** The fields of a task's own result sit beside `task`, `status`, `model`, `version` and `device`. */
export interface TaskSucceeded extends TaskResultHead {
  status: "succeeded";
  [field: string]: unknown;
}

export interface TaskFailed extends TaskResultHead {
  status: "failed";
  error: TaskError;
}

export type TaskResult = TaskSucceeded | TaskFailed;

export interface Analysis {
  input: InputInfo;
  results: TaskResult[];
  warnings?: string[];
}

/** Times and durations have 3 decimals in results, scores 4 (DESIGN §12). */
export function roundSeconds(value: number): number {
  return Math.round(value * 1e3) / 1e3;
}

export function roundScore(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
