import { recordAudit } from "@earshot/shared/db/audit";
import type { AuditEntry } from "@earshot/shared/db/audit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

interface Page {
  data: { action: string; target: string; actor: object; ip: string }[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Rows that are written within one millisecond have no order that a test could tell. */
async function spread(): Promise<void> {
  await api.owner.sql.unsafe(`
    set session_replication_role = replica;
    update audit_log set created_at = created_at + substr(target, 2)::int * interval '1 second' where target ~ '^t\\d$';
    reset session_replication_role`);
}

const act = (caller: Caller, overrides: Partial<AuditEntry>) =>
  recordAudit(api.deps.db, {
    accountId: caller.accountId,
    actor: { kind: "api_key", id: "key_1" },
    action: "job.delete",
    ip: "192.0.2.1",
    ...overrides,
  });

async function page(as: Caller, query = ""): Promise<Page> {
  return bodyOf<Page>(await api.send("GET", `/v1/audit${query}`, { as }));
}

const targets = ({ data }: Page) => data.map(({ target }) => target);

test("what was done is told, the newest first, page by page, to the account alone", async () => {
  const [caller, other] = [await api.addCaller(), await api.addCaller()];
  for (const target of ["t1", "t2", "t3"]) await act(caller, { target, requestId: `req_${target}` });
  await act(other, { target: "t4" });
  await spread();
  const first = await page(caller, "?limit=2");
  expect(first).toMatchObject({ has_more: true });
  expect(first.data[0]).toMatchObject({
    actor: { kind: "api_key", id: "key_1" },
    action: "job.delete",
    target: "t3",
    outcome: "success",
    ip: "192.0.2.1",
    request_id: "req_t3",
    detail: {},
    sequence: null,
  });
  const second = await page(caller, `?limit=2&cursor=${first.next_cursor}`);
  expect([...targets(first), ...targets(second)]).toEqual(["t3", "t2", "t1"]);
  expect(second).toMatchObject({ has_more: false, next_cursor: null });
  expect(targets(await page(other))).toEqual(["t4"]);
  const borrowed = await api.send("GET", `/v1/audit?limit=2&cursor=${first.next_cursor}`, { as: other });
  expect(await refusalOf(borrowed)).toMatchObject({ status: 400, pointers: ["/query/cursor"] });
});

test("it can be asked for by action, actor, outcome and time", async () => {
  const caller = await api.addCaller();
  await act(caller, { target: "t1" });
  await act(caller, { target: "t2", action: "job.retry", actor: { kind: "session", id: "ses_1" } });
  await act(caller, { target: "t3", action: "session.create", outcome: "denied" });
  await spread();
  expect(targets(await page(caller, "?action=job.delete"))).toEqual(["t1"]);
  expect(targets(await page(caller, "?action=job."))).toEqual(["t2", "t1"]);
  expect(targets(await page(caller, "?actor_kind=session&actor_id=ses_1"))).toEqual(["t2"]);
  expect(targets(await page(caller, "?outcome=denied"))).toEqual(["t3"]);
  expect(targets(await page(caller, "?created_after=2099-01-01T00:00:00Z"))).toEqual([]);
  expect(targets(await page(caller, "?created_before=2099-01-01T00:00:00Z"))).toHaveLength(3);
});

test.for(["?actr=x", "?actor_kind=god", "?limit=0", "?cursor=x", "?action=%00", "?created_after=now"])(
  "%s is refused",
  async (query) => {
    expect(await refusalOf(await api.send("GET", `/v1/audit${query}`))).toMatchObject({ status: 400 });
  },
);

test("it takes the scope audit:read", async () => {
  const reader = await api.addCaller({ scopes: ["jobs:read", "account:read"] });
  expect(await refusalOf(await api.send("GET", "/v1/audit", { as: reader }))).toMatchObject({ status: 403 });
  const auditor = await api.addCaller({ scopes: ["audit:read"] });
  expect((await api.send("GET", "/v1/audit", { as: auditor })).status).toBe(200);
});

test("a deleted job is in it with the caller's address", async () => {
  const json = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json }));
  await api.send("POST", `/v1/jobs/${id}/cancel`);
  await api.send("DELETE", `/v1/jobs/${id}`);
  expect((await page(api.caller, "?action=job.delete")).data).toMatchObject([{ target: id }]);
});
