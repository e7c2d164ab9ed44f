import { describe, expect, test } from "vitest";
import {
  API_ERRORS,
  AppError,
  isApiErrorCode,
  isJobErrorCode,
  isRetryable,
  JOB_ERRORS,
  jobErrorCode,
  titleOf,
} from "./errors.ts";

test("a job ends with one of the codes that the documentation lists, and no other", () => {
  expect(Object.keys(JOB_ERRORS).toSorted()).toEqual(
    (
      "input_unreachable input_forbidden input_too_large input_too_long input_too_short unsupported_media " +
      "decode_failed no_audio model_unavailable worker_lost timeout queue_deadline_exceeded canceled " +
      "input_mismatch tasks_failed internal"
    )
      .split(" ")
      .toSorted(),
  );
});

test("the API refuses with one of the codes that the documentation lists, each with its status", () => {
  const statuses = Object.fromEntries(Object.entries(API_ERRORS).map(([code, { status }]) => [code, status]));
  expect(statuses).toEqual({
    validation_failed: 400,
    unauthorized: 401,
    forbidden: 403,
    not_found: 404,
    not_acceptable: 406,
    method_not_allowed: 405,
    idempotency_in_flight: 409,
    conflict: 409,
    gone: 410,
    body_too_large: 413,
    unsupported_content_type: 415,
    unsupported_media: 422,
    idempotency_key_reused: 422,
    rate_limited: 429,
    quota_exceeded: 429,
    internal: 500,
    unavailable: 503,
  });
});

test("only what may go better another time is retried", () => {
  const retryable = Object.keys(JOB_ERRORS).filter(
    (code) => isJobErrorCode(code) && JOB_ERRORS[code].retryable,
  );
  expect(retryable).toEqual(["input_unreachable", "internal"]);
});

describe("an AppError", () => {
  test("says its title unless it is told better, and keeps detail and cause", () => {
    const cause = new Error("below");
    expect(new AppError("no_audio").message).toBe("The input holds no audio stream.");
    expect(new AppError("no_audio")).toMatchObject({ name: "AppError", detail: {} });
    expect("cause" in new AppError("no_audio")).toBe(false);
    const told = new AppError("timeout", { message: "Too slow.", detail: { limitSeconds: 3 }, cause });
    expect(told).toMatchObject({ code: "timeout", message: "Too slow.", detail: { limitSeconds: 3 }, cause });
  });

  test("has a title for every code", () => {
    for (const code of [...Object.keys(JOB_ERRORS), ...Object.keys(API_ERRORS)]) {
      if (isJobErrorCode(code) || isApiErrorCode(code)) expect(titleOf(code), code).toMatch(/^[A-Z].+\.$/);
    }
  });
});

describe("what a job ends with", () => {
  test("is the code of the error", () => {
    expect(jobErrorCode(new AppError("input_mismatch"))).toBe("input_mismatch");
    expect(isRetryable(new AppError("input_mismatch"))).toBe(false);
    expect(isRetryable(new AppError("input_unreachable"))).toBe(true);
  });

  test.each([new Error("a bug"), "a string", null, undefined, new AppError("not_found")])(
    "is internal, to be tried again, for %s",
    (error) => {
      expect(jobErrorCode(error)).toBe("internal");
      expect(isRetryable(error)).toBe(true);
    },
  );
});

test("what any object inherits is no code", () => {
  for (const name of ["constructor", "toString", "__proto__", ""]) {
    expect([isJobErrorCode(name), isApiErrorCode(name)]).toEqual([false, false]);
  }
});
