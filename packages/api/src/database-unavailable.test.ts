import { openDatabase } from "@earshot/shared/db/database";
import type { Database, OpenDatabase } from "@earshot/shared/db/database";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../test/api-under-test.ts";
import type { ApiUnderTest } from "../test/api-under-test.ts";
import { isQuery } from "../test/counting-queries.ts";
import { pathOf, ROUTES } from "../test/route-table.ts";
import { createApp } from "./app.ts";
import { isDatabaseUnavailable } from "./database-unavailable.ts";
import { parseIssuers } from "./oidc/issuer-config.ts";
import { openProvider } from "./oidc/provider.ts";

let api: ApiUnderTest;
let gone: OpenDatabase;
beforeAll(async () => {
  api = await startApi();
  gone = openDatabase({ url: "postgres://nobody@127.0.0.1:1/none", name: "gone" });
});
afterAll(async () => {
  await gone.close();
  await api[Symbol.asyncDispose]();
});

test.each([
  ["the pool at the edge had no connection in time", "58000", true],
  ["a socket was given up before it was open", "ABORT_ERR", true],
  ["the handshake took too long", "CONNECT_TIMEOUT", true],
  ["a constraint refused a row", "23505", false],
] as const)("when %s (%s) the database is away: %s", (_when, code, isAway) => {
  const failed = new Error("Failed query", { cause: Object.assign(new Error("why"), { code }) });
  expect(isDatabaseUnavailable(failed)).toBe(isAway);
});

/** The database for one query, which finds out who asks; then it is gone. */
function lostAfterOne(): Database {
  let queries = 0;
  return new Proxy(api.deps.db, {
    get(target, property, receiver) {
      if (isQuery(property)) queries += 1;
      return Reflect.get(queries > 1 ? gone.db : target, property, receiver);
    },
  });
}

const UNAVAILABLE = {
  status: 503,
  code: "unavailable",
  detail: "Something that this needs is away.",
};

async function expectUnavailable(answer: Response): Promise<void> {
  expect(await bodyOf(answer)).toMatchObject(UNAVAILABLE);
  expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "1"]);
}

/** They answer from what is there already, or refuse the sample itself. */
const NEED_NO_MORE = [
  "GET /v1/me",
  "GET /v1/jobs/:id/events",
  "POST /v1/audio/transcriptions",
  "POST /v1/audio/translations",
  "POST /v1/auth/device/decision",
  "DELETE /v1/auth/sessions/:id",
  "GET /v1/auth/sessions",
  "POST /v1/auth/logout",
  "DELETE /v1/account",
];

test.each(Object.entries(ROUTES).filter(([, { isOpen }]) => !isOpen))(
  "%s says that it is unavailable when the database is gone in the middle of it, where it needs it at all",
  async (name, sample) => {
    const [method = "", path = ""] = name.split(" ");
    const target = await pathOf(api, path, sample);
    const via = createApp({ ...api.deps, db: lostAfterOne() });
    const answer = await api.send(method, target, { json: sample.json, via });
    if (NEED_NO_MORE.includes(name)) expect(answer.status).toBeLessThan(500);
    else await expectUnavailable(answer);
  },
);

test("what is open to all says so, too", async () => {
  const via = createApp({ ...api.deps, db: gone.db });
  await expectUnavailable(await api.send("GET", "/.well-known/jwks.json", { via }));
});

test("a bucket that is gone is unavailable to those who need it", async () => {
  const nowhere = `s3://none?endpoint=${encodeURIComponent("http://127.0.0.1:1")}&region=us-east-1`;
  const blobs = await openBlobs(nowhere, { accessKeyId: "a", secretAccessKey: "b" });
  const via = createApp({ ...api.deps, blobs });
  const json = { filename: "a.wav", content_type: "audio/wav", size: 4 };
  const { id } = await bodyOf(await api.send("POST", "/v1/uploads", { json }));
  await expectUnavailable(await api.send("POST", `/v1/uploads/${id}/complete`, { via }));
  const form = new FormData();
  form.set("file", new Blob(["RIFF\0\0\0\0WAVEfmt "], { type: "audio/wav" }), "a.wav");
  form.set("job", JSON.stringify({ tasks: ["audio.features"] }));
  const headers = { Authorization: `Bearer ${api.caller.key}` };
  await expectUnavailable(await via.request("/v1/jobs", { method: "POST", headers, body: form }));
});

test("a provider that is gone is unavailable to who wants to sign in by it", async () => {
  const [config] = parseIssuers(JSON.stringify([{ issuer: "http://127.0.0.1:1", client: { id: "us" } }]));
  if (config === undefined) throw new Error("no issuer");
  const via = createApp({ ...api.deps, providers: [openProvider(config)] });
  await expectUnavailable(await api.send("GET", "/v1/auth/login", { via, headers: { Authorization: null } }));
});
