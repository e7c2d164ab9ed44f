export const JOB_STATUSES = [
  "queued",
  "running",
  "canceling",
  "succeeded",
  "partial",
  "failed",
  "canceled",
  "expired",
] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

/**
 * Every change of state that exists. `running → running` is a reclaim after a lease ran out,
 * `running → queued` a hand-back or a retry. Migration 0004 enforces the same table with a trigger.
 */
const JOB_TRANSITIONS = {
  queued: ["running", "canceled", "expired"],
  running: ["running", "queued", "canceling", "succeeded", "partial", "failed"],
  canceling: ["canceled"],
  succeeded: [],
  partial: [],
  failed: [],
  canceled: [],
  expired: [],
} as const satisfies Record<JobStatus, readonly JobStatus[]>;

export function canBecome(from: JobStatus, to: JobStatus): boolean {
  return (JOB_TRANSITIONS[from] as readonly JobStatus[]).includes(to);
}

export function isFinal(status: JobStatus): boolean {
  return JOB_TRANSITIONS[status].length === 0;
}

/** The state that a job ends in, given what became of its tasks. */
export function outcomeOf(
  tasks: readonly { status: "succeeded" | "failed" }[],
): "succeeded" | "partial" | "failed" {
  const succeeded = tasks.filter((task) => task.status === "succeeded").length;
  if (succeeded === tasks.length) return "succeeded";
  return succeeded === 0 ? "failed" : "partial";
}
