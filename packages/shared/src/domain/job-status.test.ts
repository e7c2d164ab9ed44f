import { describe, expect, test } from "vitest";
import { canBecome, isFinal, JOB_STATUSES, outcomeOf } from "./job-status.ts";
import type { JobStatus } from "./job-status.ts";

const FINAL: JobStatus[] = ["succeeded", "partial", "failed", "canceled", "expired"];

const ALLOWED = new Set([
  "queued → running",
  "queued → canceled",
  "queued → expired",
  "running → running",
  "running → queued",
  "running → canceling",
  "running → succeeded",
  "running → partial",
  "running → failed",
  "canceling → canceled",
]);

const PAIRS = JOB_STATUSES.flatMap((from) => JOB_STATUSES.map((to) => ({ from, to })));

test.each(PAIRS)("$from → $to is as the table says", ({ from, to }) => {
  expect(canBecome(from, to)).toBe(ALLOWED.has(`${from} → ${to}`));
});

test("what is final stays", () => {
  expect(JOB_STATUSES.filter(isFinal)).toEqual(FINAL);
});

describe("a job", () => {
  const succeeded = { status: "succeeded" } as const;
  const failed = { status: "failed" } as const;

  test("whose tasks all succeeded has succeeded", () => {
    expect(outcomeOf([succeeded, succeeded])).toBe("succeeded");
  });

  test("of which one task failed is partial, whichever it was", () => {
    expect(outcomeOf([succeeded, failed])).toBe("partial");
    expect(outcomeOf([failed, succeeded, failed])).toBe("partial");
  });

  test("whose tasks all failed has failed", () => {
    expect(outcomeOf([failed])).toBe("failed");
  });
});
