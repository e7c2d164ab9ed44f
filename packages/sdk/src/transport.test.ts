import { startReceiver } from "@earshot/testkit/receiver";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Earshot } from "./earshot.ts";

const JOB = { id: "job_1", status: "queued" };
const accepted = { status: 202, body: JSON.stringify(JOB) };
const request = { input: { url: "https://example.com/a.mp3" }, tasks: ["audio.features" as const] };

function clientOf(baseUrl: string, options: { retries?: number; fetch?: typeof fetch } = {}) {
  return new Earshot({ baseUrl, apiKey: "ek_1", firstPauseMs: 1, ...options });
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error,
  );
}

describe("a call", () => {
  test("that has to be repeated keeps its idempotency key, and another call gets another", async () => {
    await using api = await startReceiver();
    api.script({ status: 503 }, "reset", accepted, accepted);
    const client = clientOf(api.url);
    expect(await client.jobs.create(request)).toEqual(JOB);
    await client.jobs.create(request);
    const keys = api.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(4);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[3]).not.toBe(keys[0]);
    expect(api.requests[0]).toMatchObject({
      method: "POST",
      path: "/v1/jobs",
      headers: { authorization: "Bearer ek_1", "content-type": "application/json" },
    });
    expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual(request);
  });

  test("with a key of the caller's own carries it", async () => {
    await using api = await startReceiver();
    api.script(accepted);
    await clientOf(api.url).jobs.create(request, { idempotencyKey: "mine" });
    expect(api.requests[0]?.headers["idempotency-key"]).toBe("mine");
  });

  test.each([400, 401, 403, 404, 409, 410, 413, 422])(
    "that is refused with %i is not repeated",
    async (status) => {
      await using api = await startReceiver();
      api.script({ status });
      expect(await errorOf(clientOf(api.url).jobs.get("job_1"))).toMatchObject({ status });
      expect(api.requests).toHaveLength(1);
    },
  );

  test("that keeps failing throws the last failure, after as many retries as were asked for", async () => {
    await using api = await startReceiver();
    api.script({ status: 500 }, { status: 502 }, { status: 503 });
    expect(await errorOf(clientOf(api.url, { retries: 2 }).jobs.get("job_1"))).toMatchObject({ status: 503 });
    expect(api.requests).toHaveLength(3);
  });

  test("that another one with the same key is still at is repeated", async () => {
    await using api = await startReceiver();
    const problem = {
      code: "idempotency_in_flight",
      title: "Still at it.",
      status: 409,
      request_id: "r",
      type: "t",
    };
    api.script({ status: 409, body: JSON.stringify(problem) }, accepted);
    expect(await clientOf(api.url).jobs.create(request)).toEqual(JOB);
  });

  test("is not redirected: the key goes to no other host", async () => {
    await using elsewhere = await startReceiver();
    await using api = await startReceiver();
    api.script({ status: 307, headers: { location: elsewhere.url } });
    expect(await errorOf(clientOf(api.url).jobs.get("job_1"))).toMatchObject({ status: 307 });
    expect(elsewhere.requests).toHaveLength(0);
  });

  test("asks for its credential each time, so that it may be renewed", async () => {
    await using api = await startReceiver();
    api.script(accepted, accepted);
    let asked = 0;
    const client = new Earshot({ baseUrl: api.url, token: async () => `token-${++asked}` });
    await client.jobs.get("job_1");
    await client.jobs.get("job_1");
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-2",
    ]);
  });

  test("without an answer in time is a connection error", async () => {
    await using api = await startReceiver();
    api.script("hang");
    const client = new Earshot({ baseUrl: api.url, apiKey: "ek", timeoutMs: 30, retries: 0 });
    expect(await errorOf(client.jobs.get("job_1"))).toMatchObject({ name: "ConnectionError" });
  });

  test("ends with the reason of its signal", async () => {
    await using api = await startReceiver();
    api.script("hang");
    const leaving = new AbortController();
    const pending = errorOf(clientOf(api.url).jobs.get("job_1", { signal: leaving.signal }));
    await api.next();
    const reason = new Error("enough");
    leaving.abort(reason);
    expect(await pending).toBe(reason);
    expect(await errorOf(clientOf(api.url).jobs.get("job_1", { signal: leaving.signal }))).toBe(reason);
  });
});

describe("an error", () => {
  test("tells what the API said", async () => {
    await using api = await startReceiver();
    const errors = [{ pointer: "/tasks/0", code: "custom", detail: "There is no such task" }];
    const problem = {
      type: "t",
      code: "validation_failed",
      title: "Not valid.",
      detail: "No such task.",
      status: 400,
      request_id: "r1",
      errors,
    };
    api.script({ status: 400, body: JSON.stringify(problem) });
    expect(await errorOf(clientOf(api.url).jobs.create(request))).toMatchObject({
      name: "ApiError",
      message: "No such task.",
      status: 400,
      code: "validation_failed",
      requestId: "r1",
      errors,
    });
  });

  test("of a proxy has no code of ours", async () => {
    await using api = await startReceiver();
    api.script({ status: 403, body: "<html>no</html>", headers: { "x-request-id": "edge-1" } });
    expect(await errorOf(clientOf(api.url).jobs.get("job_1"))).toMatchObject({
      code: "unknown",
      requestId: "edge-1",
      errors: [],
    });
  });
});

describe("Retry-After", () => {
  afterEach(() => void vi.useRealTimers());

  /** What a client waits for, told by a clock that stands still until it is moved. */
  async function pauseAfter(headers: Record<string, string>, status = 429): Promise<number> {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answers = [new Response("", { status, headers }), new Response(JSON.stringify(JOB))];
    const asked: number[] = [];
    let now = 0;
    const fetch = async () => {
      asked.push(now);
      return answers.shift() ?? new Response("", { status: 500 });
    };
    const answer = new Earshot({ baseUrl: "https://api.test", apiKey: "ek", fetch }).jobs.get("job_1");
    while (asked.length < 2) {
      await vi.advanceTimersByTimeAsync(100);
      now += 100;
    }
    await answer;
    return asked[1] ?? 0;
  }

  test("in seconds is kept to, with a little more so that not all come at once", async () => {
    const waited = await pauseAfter({ "retry-after": "10" });
    expect(waited).toBeGreaterThanOrEqual(10_000);
    expect(waited).toBeLessThanOrEqual(11_100);
  });

  test("of an API that is unavailable is kept to, too", async () => {
    const waited = await pauseAfter({ "retry-after": "2" }, 503);
    expect(waited).toBeGreaterThanOrEqual(2_000);
    expect(waited).toBeLessThanOrEqual(2_300);
  });

  test("as a date is kept to", async () => {
    const waited = await pauseAfter({ "retry-after": new Date(Date.now() + 8_000).toUTCString() });
    expect(waited).toBeGreaterThanOrEqual(6_000);
    expect(waited).toBeLessThanOrEqual(10_000);
  });

  test("that is missing is a back-off of half a second at most", async () => {
    expect(await pauseAfter({})).toBeLessThanOrEqual(600);
  });

  test("that is too long is the caller's to decide on", async () => {
    const fetch = async () => new Response("", { status: 429, headers: { "retry-after": "3600" } });
    const client = new Earshot({ baseUrl: "https://api.test", apiKey: "ek", fetch });
    expect(await errorOf(client.jobs.get("job_1"))).toMatchObject({ status: 429, retryAfterSeconds: 3600 });
  });
});

test("a list asks for each page when it gets there, and for nothing after the end", async () => {
  await using api = await startReceiver();
  const page = (ids: string[], next: string | null) => ({
    status: 200,
    body: JSON.stringify({ data: ids.map((id) => ({ id })), has_more: next !== null, next_cursor: next }),
  });
  api.script(page(["a", "b"], "c1"), page(["c"], null));
  const seen: string[] = [];
  for await (const job of clientOf(api.url).jobs.list({
    status: "failed",
    metadata: { album: "Bl\u00e5" },
  })) {
    seen.push(`${job.id} after ${api.requests.length}`);
  }
  expect(seen).toEqual(["a after 1", "b after 1", "c after 2"]);
  expect(api.requests.map(({ path }) => decodeURIComponent(path))).toEqual([
    "/v1/jobs?status=failed&metadata[album]=Bl\u00e5",
    "/v1/jobs?status=failed&metadata[album]=Bl\u00e5&cursor=c1",
  ]);
});

test("ids go into paths as they are, and nowhere else", async () => {
  await using api = await startReceiver();
  await clientOf(api.url).jobs.delete("../me?x=1");
  expect(api.requests[0]?.path).toBe("/v1/jobs/..%2Fme%3Fx%3D1");
});

test("a client without a credential is a mistake that is told at once", () => {
  expect(() => new Earshot({ baseUrl: "https://api.test", apiKey: "" })).toThrow(TypeError);
});
