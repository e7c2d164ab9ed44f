import { describe, expect, test } from "vitest";
import { EVENT_TYPES, fullJobEventPayload, isOptIn, jobEventPayload } from "./events.ts";
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

test("only that a job started and how far it is has to be asked for", () => {
  expect(EVENT_TYPES.filter(isOptIn)).toEqual(["job.started", "job.progress"]);
});

describe("the payload", () => {
  test("has the type, the time and the facts, and a link where the results are", () => {
    expect(JSON.parse(jobEventPayload("job.partial", 3, FACTS))).toEqual({
      type: "job.partial",
      timestamp: "2026-01-02T03:04:05.678Z",
      data: {
        id: FACTS.jobId,
        sequence: 3,
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
    expect(jobEventPayload("job.succeeded", 1, { ...FACTS, tasks: [task] })).not.toContain("private");
  });

  test("keeps the largest metadata that is allowed", () => {
    const metadata = metadataOf("\u00e9".repeat(LIMITS.metadataValueBytes / 2));
    const payload = jobEventPayload("job.succeeded", 1, { ...FACTS, metadata });
    expect(JSON.parse(payload).data.metadata).toEqual(metadata);
    expect(bytesOf(payload)).toBeLessThan(LIMITS.webhookBodyBytes);
  });

  test("leaves metadata out, and says so, where its escapes would take it over the limit", () => {
    const metadata = metadataOf("\u0001".repeat(LIMITS.metadataValueBytes));
    const payload = jobEventPayload("job.succeeded", 1, { ...FACTS, metadata });
    expect(JSON.parse(payload).data).toMatchObject({ id: FACTS.jobId, metadata: {}, metadata_omitted: true });
    expect(bytesOf(payload)).toBeLessThan(LIMITS.webhookBodyBytes);
  });
});

describe("a full payload", () => {
  const RESULT = { task: "audio.features", status: "succeeded", model: null, version: "1", errorCode: null };

  test("is the thin one with the summaries of the results", () => {
    const failed = { ...RESULT, task: "speech.segments", status: "failed", errorCode: "input_too_short" };
    const results = [
      { ...RESULT, summary: { loudness_lufs: -23 } },
      { ...failed, summary: {} },
    ];
    const full = JSON.parse(fullJobEventPayload("job.partial", 3, FACTS, results) ?? "");
    const { results: told, ...thin } = full.data;
    expect({ ...full, data: thin }).toEqual(JSON.parse(jobEventPayload("job.partial", 3, FACTS)));
    expect(told).toEqual([
      { task: "audio.features", status: "succeeded", model: null, version: "1", loudness_lufs: -23 },
      {
        task: "speech.segments",
        status: "failed",
        model: null,
        version: "1",
        error: { code: "input_too_short" },
      },
    ]);
  });

  test("is none where it would be over the limit", () => {
    const results = [{ ...RESULT, summary: { text: "\u00e9".repeat(LIMITS.webhookBodyBytes / 2) } }];
    expect(fullJobEventPayload("job.partial", 1, FACTS, results)).toBeNull();
  });
});

function metadataOf(value: string): Record<string, string> {
  const keys = Array.from({ length: LIMITS.metadataKeys }, (_, i) => `${i}`.padStart(64, "k"));
  return Object.fromEntries(keys.map((key) => [key, value]));
}
