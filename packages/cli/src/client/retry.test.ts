import { expect, test } from "vitest";
import { ApiRefusal, ApiUnreachable } from "./api-error.ts";
import { withRetries } from "./retry.ts";

const POLICY = { attempts: 3, firstPauseMs: 1, random: () => 0.5 };
const never = new AbortController().signal;

function refusal(status: number, headers: Record<string, string> = {}): ApiRefusal {
  return new ApiRefusal(status, new Headers(headers), undefined);
}

/** Fails with each of `errors` in turn, then answers how often it was called. */
function failing(...errors: Error[]) {
  let calls = 0;
  return () => {
    const error = errors[calls++];
    return error ? Promise.reject(error) : Promise.resolve(calls);
  };
}

test("a server's error and a lost connection are tried again", async () => {
  const attempt = failing(refusal(503), new ApiUnreachable("gone"));
  expect(await withRetries(attempt, POLICY, never)).toBe(3);
});

test("the last attempt's error is the answer", async () => {
  const attempt = failing(refusal(500), refusal(502), refusal(503));
  await expect(withRetries(attempt, POLICY, never)).rejects.toMatchObject({ status: 503 });
});

test.each([400, 401, 404, 409, 422])("a refusal with %i is final", async (status) => {
  const attempt = failing(refusal(status));
  await expect(withRetries(attempt, POLICY, never)).rejects.toMatchObject({ status });
});

test("Retry-After is honoured", async () => {
  const started = performance.now();
  await withRetries(failing(refusal(429, { "retry-after": "0.2" })), POLICY, never);
  expect(performance.now() - started).toBeGreaterThan(190);
});

test("an abort ends the wait with its reason", async () => {
  const abort = new AbortController();
  const waiting = withRetries(failing(refusal(429, { "retry-after": "60" })), POLICY, abort.signal);
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
