import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** Every route of the app that wants an account, each once. */
function accountRoutes(): { method: string; path: string }[] {
  const routes = api.app.routes.filter(
    ({ method, path }) => method !== "ALL" && path.startsWith("/v1/") && !path.startsWith("/v1/blobs/"),
  );
  return [...new Set(routes.map(({ method, path }) => `${method} ${path}`))].map((route) => {
    const [method = "", path = ""] = route.split(" ");
    return { method, path };
  });
}

test("every route that names something answers 404 to another account", async () => {
  const ids: Record<string, string> = {
    "api-keys": (await bodyOf(await api.send("POST", "/v1/api-keys", { json: KEY }))).id,
    jobs: (await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB }))).id,
    uploads: (await bodyOf(await api.send("POST", "/v1/uploads", { json: UPLOAD }))).id,
  };
  const stranger = await api.addCaller();
  // Models are the same for every account.
  const named = accountRoutes().filter(({ path }) => path.includes(":id") && !path.includes("/models/"));
  expect(named.length).toBeGreaterThanOrEqual(7);
  for (const { method, path } of named) {
    const target = path.replace(":id", ids[path.split("/")[2] ?? ""] ?? "").replace(":task", JOB.tasks[0]);
    // The stranger first: nothing that he does may change what the owner finds.
    const foreign = await refusalOf(await api.send(method, target, { as: stranger }));
    const own = await api.send(method, target);
    expect(own.status, `${method} ${path}`).not.toBe(404);
    expect(foreign, `${method} ${path}`).toEqual({ status: 404, code: "not_found", pointers: [] });
  }
  const jobs = await api.owner.sql`select status, retried_from from jobs order by created_at, id`;
  // The owner's own calls canceled it and retried it, once each.
  expect(jobs).toEqual([
    { status: "canceled", retried_from: null },
    { status: "queued", retried_from: ids.jobs },
  ]);
});

test("a list holds the caller's own jobs alone, and his cursor is of no use to another", async () => {
  for (const _ of [1, 2]) await api.send("POST", "/v1/jobs", { json: JOB });
  const own = await bodyOf<{ next_cursor: string }>(await api.send("GET", "/v1/jobs?limit=1"));
  const stranger = await api.addCaller();
  const foreign = await bodyOf<{ data: [] }>(await api.send("GET", "/v1/jobs", { as: stranger }));
  expect(foreign.data).toEqual([]);
  const borrowed = await api.send("GET", `/v1/jobs?limit=1&cursor=${own.next_cursor}`, { as: stranger });
  expect(await refusalOf(borrowed)).toMatchObject({ status: 400, pointers: ["/query/cursor"] });
});

test("every route of an account wants a credential, and one that may", async () => {
  const powerless = await api.addCaller({ scopes: [] });
  const id = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  expect(accountRoutes().length).toBeGreaterThanOrEqual(13);
  for (const { method, path } of accountRoutes()) {
    const target = path.replace(":id", id).replace(":task", JOB.tasks[0]);
    const nobody = await api.send(method, target, { headers: { Authorization: null } });
    expect(nobody.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await refusalOf(nobody), path).toMatchObject({ status: 401, code: "unauthorized" });
    if (path === "/v1/me") continue;
    expect(await refusalOf(await api.send(method, target, { as: powerless })), path).toMatchObject({
      status: 403,
    });
  }
});

test("reading and writing are two scopes", async () => {
  const reader = await api.addCaller({ scopes: ["jobs:read"] });
  const writer = await api.addCaller({ scopes: ["jobs:write"] });
  expect((await api.send("POST", "/v1/jobs", { json: JOB, as: reader })).status).toBe(403);
  const submitted = await api.send("POST", "/v1/jobs", { json: JOB, as: writer });
  expect(submitted.status).toBe(202);
  expect((await api.send("GET", `/v1/jobs/${(await bodyOf(submitted)).id}`, { as: writer })).status).toBe(
    403,
  );
});

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] as const };
const KEY = { name: "a test's", scopes: ["jobs:read"] };
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 4 };
