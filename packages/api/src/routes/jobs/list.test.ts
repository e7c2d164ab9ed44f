import { newId } from "@earshot/shared/crypto/ids";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claim, claimAndFinish } from "../../../test/worker-stand-in.ts";
import type { JobBody } from "./job-body.ts";

interface Page {
  data: JobBody[];
  has_more: boolean;
  next_cursor: string | null;
}

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

async function submit(as: Caller, fields: object = {}): Promise<string> {
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, ...fields }, as }))).id;
}

async function page(as: Caller, query: Record<string, string> = {}): Promise<Page> {
  const response = await api.send("GET", `/v1/jobs?${new URLSearchParams(query)}`, { as });
  expect(response.status).toBe(200);
  return bodyOf<Page>(response);
}

const idsOf = ({ data }: Page) => data.map(({ id }) => id);

test("jobs come newest first, as GET of each shows them", async () => {
  const caller = await api.addCaller();
  expect(await page(caller)).toEqual({ data: [], has_more: false, next_cursor: null });
  const first = await submit(caller);
  const second = await submit(caller);
  await claimAndFinish(api.owner.db, first);
  const list = await page(caller);
  expect(idsOf(list)).toEqual([second, first]);
  expect(list.data[1]).toEqual(await bodyOf(await api.send("GET", `/v1/jobs/${first}`, { as: caller })));
  expect(list.data[1]?.tasks).toMatchObject([{ status: "succeeded", version: "1" }]);
});

test("pages stay as they are while jobs are inserted and one that was seen is deleted", async () => {
  const caller = await api.addCaller();
  const old: string[] = [];
  for (let made = 0; made < 7; made++) old.push(await submit(caller));
  // Many at the same moment: the id decides.
  await api.owner
    .sql`update jobs set created_at = date_trunc('second', now()) where id in ${api.owner.sql(old)}`;
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = cursor === null ? {} : { cursor };
    const next: Page = await page(caller, { limit: "2", ...query });
    seen.push(...idsOf(next));
    cursor = next.next_cursor;
    expect(next.has_more).toBe(cursor !== null);
    await submit(caller);
    if (seen.length === 2) {
      await claimAndFinish(api.owner.db, seen[1] ?? "");
      expect((await api.send("DELETE", `/v1/jobs/${seen[1]}`, { as: caller })).status).toBe(204);
    }
  } while (cursor !== null);
  expect(seen).toEqual(old.toSorted().toReversed());
});

test("a full last page says that there is no more", async () => {
  const caller = await api.addCaller();
  await submit(caller);
  await submit(caller);
  expect(await page(caller, { limit: "2" })).toMatchObject({ has_more: false, next_cursor: null });
});

test("each filter keeps what it names, and all of them together", async () => {
  const caller = await api.addCaller();
  const done = await submit(caller, { metadata: { album: "Kid A", "a[b]": "c" } });
  const running = await submit(caller, { tasks: ["speech.segments"], metadata: { album: "Kid A" } });
  const queued = await submit(caller, { metadata: { album: "Amnesiac" } });
  await claimAndFinish(api.owner.db, done);
  await claim(api.owner.db, running);
  for (const [index, id] of [done, running, queued].entries()) {
    await api.owner.sql`update jobs set created_at = ${`2026-01-0${index + 1}T00:00:00Z`} where id = ${id}`;
  }
  const found = async (query: Record<string, string>) => idsOf(await page(caller, query));
  expect(await found({ status: "running" })).toEqual([running]);
  expect(await found({ task: "audio.features" })).toEqual([queued, done]);
  expect(await found({ created_after: "2026-01-02T00:00:00Z" })).toEqual([queued]);
  expect(await found({ created_before: "2026-01-02T01:00:00+01:00" })).toEqual([done]);
  expect(await found({ "metadata[album]": "Kid A" })).toEqual([running, done]);
  expect(await found({ "metadata[album]": "Kid A", "metadata[a[b]]": "c" })).toEqual([done]);
  expect(await found({ "metadata[album]": "kid a" })).toEqual([]);
  const all = { status: "succeeded", task: "audio.features", created_before: "2026-01-02T00:00:00Z" };
  expect(await found({ ...all, "metadata[album]": "Kid A" })).toEqual([done]);
});

test("a cursor goes with its filter, at any page size, and with nothing else", async () => {
  const caller = await api.addCaller();
  for (let made = 0; made < 3; made++) await submit(caller, { metadata: { b: "2", a: "1" } });
  const filter = { "metadata[a]": "1", "metadata[b]": "2" };
  const { next_cursor: cursor } = await page(caller, { ...filter, limit: "1" });
  if (cursor === null) throw new Error("there is another page");
  expect(idsOf(await page(caller, { "metadata[b]": "2", "metadata[a]": "1", cursor }))).toHaveLength(2);
  const content = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  const forged = (fields: object) => btoa(JSON.stringify({ ...content, ...fields })).replaceAll("=", "");
  const wrong = [
    [cursor, {}],
    [`${cursor}A`, filter],
    [cursor.slice(1), filter],
    [forged({ t: content.t + 1 }), filter],
    [forged({ id: newId("job") }), filter],
    [forged({ t: 8.64e15 }), filter],
    [btoa("null"), filter],
    ["%00", filter],
  ] as const;
  for (const [text, query] of wrong) {
    const search = new URLSearchParams({ ...query, cursor: text });
    const refusal = await refusalOf(await api.send("GET", `/v1/jobs?${search}`, { as: caller }));
    expect(refusal, text).toEqual({ status: 400, code: "validation_failed", pointers: ["/query/cursor"] });
  }
});
