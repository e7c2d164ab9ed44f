import type { AttemptStory, JobStory } from "@earshot/shared/db/job-stories";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { JobStatus } from "@earshot/shared/domain/job-status";
import { roundScore } from "@earshot/shared/domain/results";
import { jobBody } from "./job-body.ts";
import type { JobBody } from "./job-body.ts";

/** One event of a job's stream. The id is the same whenever the same thing is told, so that nobody is told it twice. */
export type StoryEvent =
  | { id: string; event: "status"; data: { status: JobStatus; attempt: number; at: string | null } }
  | { id: string; event: "progress"; data: { stage: string; fraction: number; attempt: number } }
  | { id: string; event: "end"; data: JobBody };

/**
 * All that can be told of a job so far, in its order: each change of its state, the progress of the attempt under way, and
 * its end. It is made of committed rows alone: whoever comes back later, or to another server, hears the same.
 */
export function eventsOf(story: JobStory): StoryEvent[] {
  const { job, attempts } = story;
  const told: StoryEvent[] = [
    statusEvent(0, "queued", job.createdAt),
    ...attempts.flatMap((attempt) => eventsOfAttempt(attempt)),
  ];
  if (job.status === "running" && job.progressStage !== null)
    told.push(progressEvent(story, job.progressStage));
  if (job.status === "canceling") told.push(statusEvent(job.attempt, "canceling", null));
  if (isFinal(job.status)) told.push(endEvent(story));
  return told;
}

/**
 * What is left to tell to one who last heard `lastEventId`. An id that says nothing (any more) tells everything: rather
 * twice than not at all.
 */
export function eventsAfter(events: readonly StoryEvent[], lastEventId: string | undefined): StoryEvent[] {
  if (lastEventId === undefined) return [...events];
  const exact = events.findIndex(({ id }) => id === lastEventId);
  // Progress that was told is superseded, and `canceling` leaves no trace: both came after that attempt's start.
  const attempt = /^(\d+)-(?:running:|canceling$)/.exec(lastEventId)?.[1];
  const known = exact >= 0 ? exact : events.findIndex(({ id }) => id === `${attempt}-running`);
  return events.slice(known + 1);
}

const BACK_IN_QUEUE = ["handed_back", "retried", "database_lost"];

function eventsOfAttempt({ attempt, claimedAt, endedAt, outcome }: AttemptStory): StoryEvent[] {
  const running = statusEvent(attempt, "running", claimedAt);
  if (outcome === null || !BACK_IN_QUEUE.includes(outcome)) return [running];
  return [running, statusEvent(attempt, "queued", endedAt)];
}

function statusEvent(attempt: number, status: JobStatus, at: Date | null): StoryEvent {
  return {
    id: `${attempt}-${status}`,
    event: "status",
    data: { status, attempt, at: at && at.toISOString() },
  };
}

function progressEvent({ job }: JobStory, stage: string): StoryEvent {
  const fraction = roundScore(job.progressFraction ?? 0);
  const { attempt } = job;
  return {
    id: `${attempt}-running:${stage}:${fraction}`,
    event: "progress",
    data: { stage, fraction, attempt },
  };
}

function endEvent({ job, outcomes }: JobStory): StoryEvent {
  return { id: `${job.attempt}-${job.status}`, event: "end", data: jobBody(job, outcomes) };
}
