import { describe, expect, test } from "vitest";
import { isOptIn, JOB_EVENT_TYPES, jobEventPayload } from "./events.ts";
import type { JobEventFacts } from "./events.ts";
import { LIMITS } from "./limits.ts";

const FACTS: JobEventFacts = {
  jobId: "job_01J00000000000000000000000",
  status: "partial",
  attempt: 2,
  tasks: [
    { task: "audio.features", status: "succeeded" },
    { task: "speech.segments", status: "failed" },
  ],
  error: null,
  metadata: { track: "7" },
  at: new Date("2026-01-02T03:04:05.678Z"),
};

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

test("only job.started has to be asked for", () => {
  expect(JOB_EVENT_TYPES.filter(isOptIn)).toEqual(["job.started"]);
});

describe("the payload", () => {
  test("has the type, the time and the facts, and a link where the results are", () => {
    expect(JSON.parse(jobEventPayload("job.partial", FACTS))).toEqual({
      type: "job.partial",
      timestamp: "2026-01-02T03:04:05.678Z",
      data: {
        id: FACTS.jobId,
        status: "partial",
        attempt: 2,
        tasks: FACTS.tasks,
        error: null,
        metadata: { track: "7" },
        links: { self: `/v1/jobs/${FACTS.jobId}`, result: `/v1/jobs/${FACTS.jobId}/result` },
      },
    });
  });

  test("carries no more of a task than its name and its state", () => {
    const task = { task: "audio.features", status: "succeeded", summary: "private" };
    expect(jobEventPayload("job.succeeded", { ...FACTS, tasks: [task] })).not.toContain("private");
  });

  test("keeps the largest metadata that is allowed", () => {
    const metadata = metadataOf("\u00e9".repeat(LIMITS.metadataValueBytes / 2));
    const payload = jobEventPayload("job.succeeded", { ...FACTS, metadata });
    expect(JSON.parse(payload).data.metadata).toEqual(metadata);
    expect(bytesOf(payload)).toBeLessThan(LIMITS.webhookBodyBytes);
  });

  test("leaves metadata out, and says so, where its escapes would take it over the limit", () => {
    const metadata = metadataOf("\u0001".repeat(LIMITS.metadataValueBytes));
    const payload = jobEventPayload("job.succeeded", { ...FACTS, metadata });
    expect(JSON.parse(payload).data).toMatchObject({ id: FACTS.jobId, metadata: {}, metadata_omitted: true });
    expect(bytesOf(payload)).toBeLessThan(LIMITS.webhookBodyBytes);
  });
});

function metadataOf(value: string): Record<string, string> {
  const keys = Array.from({ length: LIMITS.metadataKeys }, (_, i) => `${i}`.padStart(64, "k"));
  return Object.fromEntries(keys.map((key) => [key, value]));
}
