import type { JobStory } from "@earshot/shared/db/job-stories";
import type { Job } from "@earshot/shared/db/jobs/job";
import { expect, test } from "vitest";
import { eventsAfter, eventsOf } from "./story-events.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

/** The part of a job that its events are made of. */
function storyOf(job: Partial<Job>, attempts: JobStory["attempts"] = []): JobStory {
  const blank = { id: "job_1", createdAt: at(0), attempt: attempts.length, tasks: [], metadata: {} };
  return {
    job: { ...blank, progressStage: null, ...job } as unknown as Job,
    version: "1",
    attempts,
    outcomes: [],
  };
}

const attempt = (n: number, outcome: JobStory["attempts"][number]["outcome"] = null) => ({
  attempt: n,
  claimedAt: at(2 * n),
  endedAt: outcome && at(2 * n + 1),
  outcome,
});

const idsOf = (story: JobStory) => eventsOf(story).map(({ id }) => id);

test("each attempt is told with its time, and whether it went back into the queue", () => {
  const attempts = [attempt(1, "retried"), attempt(2, "lease_expired"), attempt(3)];
  expect(eventsOf(storyOf({ status: "running" }, attempts)).map(({ data }) => data)).toEqual([
    { status: "queued", attempt: 0, at: at(0).toISOString() },
    { status: "running", attempt: 1, at: at(2).toISOString() },
    { status: "queued", attempt: 1, at: at(3).toISOString() },
    { status: "running", attempt: 2, at: at(4).toISOString() },
    { status: "running", attempt: 3, at: at(6).toISOString() },
  ]);
});

test("progress is told while the job runs, and is another event for each stage and fraction", () => {
  const running = { status: "running", progressStage: "decoding", progressFraction: 0.25 } as const;
  expect(idsOf(storyOf(running, [attempt(1)])).at(-1)).toBe("1-running:decoding:0.25");
  expect(idsOf(storyOf({ ...running, progressFraction: 0.5 }, [attempt(1)])).at(-1)).toBe(
    "1-running:decoding:0.5",
  );
  expect(idsOf(storyOf({ ...running, status: "canceling" }, [attempt(1)])).at(-1)).toBe("1-canceling");
});

test("ids are never told twice in one story", () => {
  const attempts = [
    attempt(1, "retried"),
    attempt(2, "handed_back"),
    attempt(3, "database_lost"),
    attempt(4),
  ];
  const ids = idsOf(storyOf({ status: "canceling" }, attempts));
  expect(new Set(ids).size).toBe(ids.length);
});

test("who heard something that left no trace goes on after the start of that attempt", () => {
  const events = eventsOf(storyOf({ status: "running" }, [attempt(1, "retried"), attempt(2)]));
  const after = (lastEventId?: string) => eventsAfter(events, lastEventId).map(({ id }) => id);
  expect(after()).toEqual(["0-queued", "1-running", "1-queued", "2-running"]);
  expect(after("1-running:decoding:0.5")).toEqual(["1-queued", "2-running"]);
  expect(after("1-canceling")).toEqual(["1-queued", "2-running"]);
  expect(after("2-running")).toEqual([]);
  expect(after("9-running:decoding:0.5")).toEqual(after());
  expect(after("constructor")).toEqual(after());
});
