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
    jobs: (await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB }))).id,
    uploads: (await bodyOf(await api.send("POST", "/v1/uploads", { json: UPLOAD }))).id,
  };
  const stranger = await api.addCaller();
  const named = accountRoutes().filter(({ path }) => path.includes(":id"));
  expect(named.length).toBeGreaterThanOrEqual(4);
  for (const { method, path } of named) {
    const target = path.replace(":id", ids[path.split("/")[2] ?? ""] ?? "");
    const own = await api.send(method, target);
    const foreign = await refusalOf(await api.send(method, target, { as: stranger }));
    expect(own.status, `${method} ${path}`).not.toBe(404);
    expect(foreign, `${method} ${path}`).toEqual({ status: 404, code: "not_found", pointers: [] });
  }
  const [job] = await api.owner.sql`select status from jobs where id = ${ids.jobs ?? ""}`;
  // The owner's own call has canceled it, the stranger's came after.
  expect(job?.status).toBe("canceled");
});

test("every route of an account wants a credential, and one that may", async () => {
  const powerless = await api.addCaller({ scopes: [] });
  const id = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  expect(accountRoutes().length).toBeGreaterThanOrEqual(7);
  for (const { method, path } of accountRoutes()) {
    const target = path.replace(":id", id);
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

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 4 };
