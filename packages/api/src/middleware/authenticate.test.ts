import { touchApiKey } from "@earshot/shared/db/api-keys";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../test/api-under-test.ts";
import { countingQueries } from "../../test/counting-queries.ts";
import { addPerson } from "../../test/person.ts";
import { createApp } from "../app.ts";
import { until } from "@earshot/testkit/until";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const me = (authorization: string | null, via = api.app) =>
  api.send("GET", "/v1/me", { via, headers: { Authorization: authorization } });

/** The key with another secret, or with a prefix that nobody has. */
const withOtherSecret = ({ key }: Caller) => `${key.slice(0, -43)}${"A".repeat(43)}`;
const withOtherPrefix = ({ key }: Caller) => key.replace(/^ek_[^_]+/, "ek_000000000000");

test("a key shows whose it is and what it may do", async () => {
  const caller = await api.addCaller({ scopes: ["jobs:read"] });
  const answer = await bodyOf(await me(`Bearer ${caller.key}`));
  expect(answer).toEqual({
    account_id: caller.accountId,
    actor: { kind: "api_key", id: expect.stringMatching(/^key_/) },
    key_id: expect.stringMatching(/^key_/),
    scopes: ["jobs:read"],
  });
  expect((await me(`bearer ${caller.key}`)).status).toBe(200);
});

test("a credential that is none, unknown, wrong, revoked or expired is refused alike", async () => {
  const revoked = await api.addCaller();
  const expired = await api.addCaller();
  await api.owner.sql`update api_keys set revoked_at = now() where account_id = ${revoked.accountId}`;
  await api.owner.sql`update api_keys set expires_at = now() where account_id = ${expired.accountId}`;
  const credentials = [
    null,
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    `Basic ${api.caller.key}`,
    api.caller.key,
    `Bearer ${api.caller.key} `.repeat(2),
    `Bearer ${"x".repeat(10_000)}`,
    ...[withOtherSecret(api.caller), withOtherPrefix(api.caller), revoked.key, expired.key].map(
      (key) => `Bearer ${key}`,
    ),
  ];
  for (const credential of credentials) {
    const response = await me(credential);
    expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await refusalOf(response), credential ?? "none").toEqual({
      status: 401,
      code: "unauthorized",
      pointers: [],
    });
  }
});

test("known and unknown keys and sessions cost the same queries and the same hashes", async () => {
  const revoked = await api.addCaller();
  await api.owner.sql`update api_keys set revoked_at = now() where account_id = ${revoked.accountId}`;
  const person = await addPerson(api.owner.db, api.caller.accountId, "viewer");
  const ended = await addPerson(api.owner.db, api.caller.accountId, "viewer");
  await api.owner.sql`update sessions set revoked_at = now() where id = ${ended.sessionId}`;
  const counted = countingQueries(api.deps.db);
  const app = createApp({ ...api.deps, db: counted.db });
  const hashes = vi.spyOn(crypto.subtle, "digest");
  const credentials = [
    withOtherPrefix(api.caller),
    withOtherSecret(api.caller),
    revoked.key,
    person.token.replace(/^es_.{26}/, "es_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    `${person.token.slice(0, -43)}${"A".repeat(43)}`,
    ended.token,
  ];
  const costs: { queries: number; hashes: number }[] = [];
  for (const credential of credentials) {
    const before = counted.count();
    hashes.mockClear();
    expect((await me(`Bearer ${credential}`, app)).status).toBe(401);
    // One for the credential, one for the audit log, which is written after the answer.
    await until(async () => counted.count() - before >= 2, { describe: "the audit log" });
    costs.push({ queries: counted.count() - before, hashes: hashes.mock.calls.length });
  }
  expect(costs).toEqual(credentials.map(() => ({ queries: 2, hashes: 1 })));
  hashes.mockRestore();
});

test("a key notes when it was used, once a minute", async () => {
  const caller = await api.addCaller();
  const lastUse = async () =>
    (await api.owner.sql`select last_used_at as at from api_keys where account_id = ${caller.accountId}`)[0]
      ?.at;
  await me(`Bearer ${caller.key}`);
  const first = await until(lastUse, { describe: "a time of use" });
  const counted = countingQueries(api.deps.db);
  await me(`Bearer ${caller.key}`, createApp({ ...api.deps, db: counted.db }));
  // It was looked for, and that was all.
  expect(counted.count()).toBe(1);
  const [row] = await api.owner.sql<
    { id: string }[]
  >`select id from api_keys where account_id = ${caller.accountId}`;
  await touchApiKey(api.deps.db, row?.id ?? "");
  expect(await lastUse()).toEqual(first);
});
