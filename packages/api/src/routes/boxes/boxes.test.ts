import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signAssertion } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey } from "@earshot/shared/crypto/box-assertions";
import type { Database, OpenDatabase } from "@earshot/shared/db/database";
import { claimJob } from "@earshot/shared/db/jobs/claim-job";
import type { Job } from "@earshot/shared/db/jobs/job";
import { newJob, submitNewJob } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { exchange, newBox, tokenOf } from "../../../test/box.ts";
import type { BoxToken } from "../../../test/box.ts";
import { openAsBox } from "../../../test/open-as-box.ts";
import { createApp } from "../../app.ts";
import type { App } from "../../env.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** The same installation, by another server. */
const by = (via: App) => ({
  send: (method: string, path: string, options = {}) => api.send(method, path, { ...options, via }),
});

function login(token: BoxToken): OpenDatabase["sql"] & AsyncDisposable {
  const { sql, close } = openAsBox(token);
  return Object.assign(sql, { [Symbol.asyncDispose]: close });
}

describe("an assertion", () => {
  test("is good once, whichever server it is shown to", async () => {
    const box = await newBox(api);
    const database = await api.owner.sql`select current_database() as name`;
    const elsewhere = new URL("postgres://x");
    elsewhere.href = (await tokenOf(api, box)).database.url;
    expect(elsewhere.pathname).toBe(`/${String(database[0]?.["name"])}`);
    const other = createApp({ ...api.deps });
    const assertion = await signAssertion(box);
    const answers = await Promise.all(
      [api.app, other, api.app, other].map((via) => exchange(by(via), assertion)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
  });

  test("lets nobody in when nobody can say whether it was used", async () => {
    const box = await newBox(api);
    await api.owner.sql`alter table box_assertions rename to gone`;
    try {
      expect((await exchange(api, await signAssertion(box))).status).toBe(500);
    } finally {
      await api.owner.sql`alter table gone rename to box_assertions`;
    }
    expect(
      await api.owner.sql`select from pg_roles where rolname = ${`earshot_${box.box_id.toLowerCase()}`}`,
    ).toEqual([]);
  });
});

test("a box that is revoked while it asks gets nothing", async () => {
  const box = await newBox(api);
  const lent: (() => void)[] = [];
  const asked = new Promise<void>((resolve) => {
    lent.push(resolve);
  });
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const boxes = api.deps.boxes && {
    ...api.deps.boxes,
    lendCredentials: async () => {
      lent[0]?.();
      await held;
      return null;
    },
  };
  const answer = exchange(by(createApp({ ...api.deps, boxes })), await signAssertion(box));
  await asked;
  await api.send("DELETE", `/v1/boxes/${box.box_id}`);
  release();
  expect((await answer).status).toBe(500);
  expect(
    await api.owner.sql`select from pg_roles where rolname = ${`earshot_${box.box_id.toLowerCase()}`}`,
  ).toEqual([]);
});

test("a box that is revoked lets go of its jobs: another has them at once, and none has paid for it with an attempt", async () => {
  const [box, other] = [await newBox(api), await newBox(api)];
  const submit = () => submitNewJob(api.owner.db, newJob(api.caller.accountId));
  const [own, others] = [await submit(), await submit()];
  const claim = (db: Database, { id }: Job, { box_id }: BoxKey) =>
    claimJob(db, id, { workerId: `rack-3/${box_id}`, leaseSeconds: 3_600 });
  const asBox = openAsBox(await tokenOf(api, box));
  expect(await claim(asBox.db, own, box)).toMatchObject({ outcome: "claimed" });
  expect(await claim(api.owner.db, others, other)).toMatchObject({ outcome: "claimed" });
  expect(await claim(api.owner.db, own, other)).toEqual({ outcome: "leased" });

  expect((await api.send("DELETE", `/v1/boxes/${box.box_id}`)).status).toBe(204);
  await asBox.close();

  expect(await claim(api.owner.db, own, other)).toMatchObject({ outcome: "claimed", job: { attempt: 2 } });
  expect(await claim(api.owner.db, others, box)).toEqual({ outcome: "leased" });
  const attempts = await api.owner
    .sql`select attempt, outcome, charged from job_attempts where job_id = ${own.id} order by attempt`;
  expect(attempts).toEqual([
    { attempt: 1, outcome: "lease_expired", charged: false },
    { attempt: 2, outcome: null, charged: true },
  ]);
});

test("where the owner of the tables is no superuser, boxes come and go all the same", async () => {
  const owner = `owner_${crypto.randomUUID().replaceAll("-", "")}`;
  await api.owner.sql.unsafe(
    `create role ${owner} createrole; grant earshot_worker to ${owner} with admin option;
     grant select, update on boxes, jobs, job_attempts to ${owner}; grant usage on schema public to ${owner};
     alter function open_box_login owner to ${owner}; alter function revoke_box owner to ${owner};`,
  );
  const box = await newBox(api);
  const token = await tokenOf(api, box);
  await using open = login(token);
  expect(await open`select id from jobs limit 0`).toEqual([]);
  expect((await api.send("DELETE", `/v1/boxes/${box.box_id}`)).status).toBe(204);
  const sessions = () =>
    api.owner.sql`select from pg_stat_activity where usename = ${`earshot_${box.box_id.toLowerCase()}`}`;
  await until(async () => (await sessions()).length === 0, { describe: "the session to end" });
  await using again = login(token);
  await expect(again`select id from jobs`).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
});

test("an exchange that nobody can make is a conflict", async () => {
  const via = createApp({ ...api.deps, boxes: null });
  expect((await exchange(by(via), "x")).status).toBe(409);
});
