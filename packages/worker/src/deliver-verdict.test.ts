import { DELIVERY_SCHEDULE_SECONDS } from "@earshot/shared/domain/backoff";
import { expect, test } from "vitest";
import { parseRetryAfter, verdictOf } from "./deliver-verdict.ts";

const middle = () => 0.5;
const nth = (attempt: number) => ({ type: "job.succeeded", attempt }) as const;
const silence = { statusCode: null, retryAfterSeconds: null };
const status = (statusCode: number) => ({ statusCode, retryAfterSeconds: null });

test.for([200, 201, 202, 204, 299])("%i is success", (code) => {
  expect(verdictOf(status(code), nth(1), middle)).toEqual({ status: "succeeded" });
});

test.for([100, 199, 300, 302, 308, 400, 401, 404, 429, 500, 503])("%i is tried again", (code) => {
  expect(verdictOf(status(code), nth(1), middle)).toEqual({ status: "retry", delaySeconds: 5 });
});

test("410 ends a delivery at its first attempt, and its endpoint", () => {
  expect(verdictOf(status(410), nth(1), middle)).toEqual({ status: "failed", disables: "gone" });
});

test("a test is sent once, and what comes of it disables nothing", () => {
  const once = { type: "webhook.test", attempt: 1 } as const;
  expect(verdictOf(status(500), once, middle)).toEqual({ status: "failed" });
  expect(verdictOf(status(200), once, middle)).toEqual({ status: "succeeded" });
});

test("silence is tried again at every step of the schedule, and then no more", () => {
  const verdicts = DELIVERY_SCHEDULE_SECONDS.map((_, made) => verdictOf(silence, nth(made + 1), middle));
  const delays = verdicts.map((verdict) =>
    "delaySeconds" in verdict ? verdict.delaySeconds : verdict.status,
  );
  expect(delays).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, "failed"]);
});

test.for([
  ["an earlier Retry-After leaves the schedule as it is", 1, 5],
  ["a later one puts the attempt off", 60, 60],
  ["one of a week counts as a day", 604_800, 86_400],
] as const)("%s", ([, retryAfterSeconds, delaySeconds]) => {
  expect(verdictOf({ statusCode: 503, retryAfterSeconds }, nth(1), middle)).toEqual({
    status: "retry",
    delaySeconds,
  });
});

test("a Retry-After gives no attempt beyond the schedule", () => {
  const last = verdictOf({ statusCode: 503, retryAfterSeconds: 60 }, nth(10), middle);
  expect(last).toEqual({ status: "failed", disables: "exhausted" });
});

test.for([
  ["120", 120],
  [" 0 ", 0],
  ["Sun, 06 Nov 1994 08:51:37 GMT", 120],
  ["Sunday, 06-Nov-94 08:51:37 GMT", 120],
  ["Sun Nov  6 08:51:37 1994 GMT", 120],
  ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
  ["-5", null],
  ["1.5", null],
  ["soon", null],
  ["Sunday", null],
  ["2026", 2026],
  ["2026-01-01", null],
  ["", null],
  [undefined, null],
] as const)("Retry-After %j asks for %j seconds", ([header, seconds]) => {
  expect(parseRetryAfter(header, new Date("1994-11-06T08:49:37Z"))).toBe(seconds);
});
