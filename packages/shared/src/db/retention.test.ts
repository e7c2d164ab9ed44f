import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createAccount } from "./accounts.ts";
import { deleteAccount } from "./delete-account.ts";
import { recordAudit } from "./audit.ts";
import { recordEvent } from "./events.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { deleteJob } from "./jobs/delete-job.ts";
import { forgetEvents, purgeDeletedAccounts, scrubbedPayload, scrubDeletedJobs } from "./retention.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const countOf = async (table: string) => (await rooms.owner.unsafe(`select from ${table} where true`)).length;

/** An ended job with its event, and a delivery of that. */
async function endedJob(overrides: { accountId?: string } = {}): Promise<string> {
  const { id, accountId } = await rooms.submit({
    webhookUrl: "https://example.com/hook",
    metadata: { patient: "7" },
    ...overrides,
  });
  await cancelJob(rooms.api, accountId, id);
  return id;
}

const delivered = () => rooms.owner`update deliveries set status = 'succeeded', finished_at = now()`;

describe("events", () => {
  const age = () => rooms.owner`update events set created_at = now() - interval '31 days'`;

  test("age out with their deliveries and attempts, younger ones stay", async () => {
    await endedJob();
    await delivered();
    await rooms.owner`
      insert into delivery_attempts (delivery_id, attempt, started_at, latency_ms) select id, 1, now(), 1 from deliveries`;
    await age();
    await endedJob();
    await delivered();
    expect(await forgetEvents(rooms.deliver, 30)).toBe(1);
    expect([
      await countOf("events"),
      await countOf("deliveries"),
      await countOf("delivery_attempts"),
    ]).toEqual([1, 1, 0]);
  });

  test("that still wait to be sent stay", async () => {
    await endedJob();
    await age();
    expect(await forgetEvents(rooms.deliver, 30)).toBe(0);
    await delivered();
    expect(await forgetEvents(rooms.deliver, 30)).toBe(1);
  });

  test("of today go by nobody's word", async () => {
    await expect(forgetEvents(rooms.deliver, 0)).rejects.toMatchObject({
      cause: { message: "events are kept for a day at least" },
    });
  });
});

describe("the metadata of a deleted job", () => {
  const payloads = async () =>
    (await rooms.owner<{ payload: string }[]>`select payload from events`).map(({ payload }) => payload);

  test("leaves its events and the saved answers to its submit", async () => {
    const id = await endedJob();
    await rooms.owner`
      insert into idempotency_keys (account_id, route, key, body_sha256, status, location, response)
      values (${rooms.accountId}, 'POST /v1/jobs', 'k', 'x', 202, ${`/v1/jobs/${id}`}, ${'{"id":"x","metadata":{"patient":"7"}}'})`;
    await delivered();
    expect((await payloads()).join()).toContain("patient");
    await deleteJob(rooms.api, rooms.accountId, id);
    expect(await scrubDeletedJobs(rooms.deliver)).toBe(1);
    expect((await payloads()).join()).not.toContain("patient");
    const [saved] = await rooms.owner`select response from idempotency_keys`;
    expect(saved).toEqual({ response: '{"id":"x","metadata":{}}' });
    expect(await scrubDeletedJobs(rooms.deliver)).toBe(0);
  });

  test("stays in what waits to be delivered until that was: its bytes are signed", async () => {
    const id = await endedJob();
    await deleteJob(rooms.api, rooms.accountId, id);
    expect(await scrubDeletedJobs(rooms.deliver)).toBe(0);
    expect((await payloads()).join()).toContain("patient");
    await delivered();
    expect(await scrubDeletedJobs(rooms.deliver)).toBe(1);
    expect((await payloads()).join()).not.toContain("patient");
  });

  test("is all that changes in the payload", () => {
    const payload = '{"type":"job.failed","timestamp":"t","data":{"id":"j","metadata":{"a":"b"},"links":{}}}';
    expect(scrubbedPayload(payload)).toBe(
      '{"type":"job.failed","timestamp":"t","data":{"id":"j","metadata":{},"links":{},"metadata_omitted":true}}',
    );
    expect(scrubbedPayload('{"data":{"metadata":{}}}')).toBe('{"data":{"metadata":{}}}');
    expect(scrubbedPayload('{"data":{}}')).toBe('{"data":{}}');
  });
});

describe("a deleted account", () => {
  const purgeAll = async () => {
    while ((await purgeDeletedAccounts(rooms.deliver)) > 0);
  };

  /** An account with something in every table that knows accounts. */
  async function filledAccount(): Promise<string> {
    const { id: accountId } = await createAccount(rooms.ownerDb, rooms.sealKeys, "to go");
    const jobId = await endedJob({ accountId });
    await rooms.submit({ accountId });
    await rooms.owner`
      insert into uploads (id, account_id, status, filename, content_type, size_bytes, blob_key, put_expires_at)
      values (${`upl_${accountId}`}, ${accountId}, 'complete', 'a', 'audio/wav', 4, ${`uploads/${accountId}`}, now())`;
    await rooms.owner`
      insert into task_results (job_id, task, position, attempt, status, version, device, blob_key, body_bytes, body_sha256)
      values (${jobId}, 'audio.features', 0, 1, 'succeeded', '1', 'cpu', ${`results/${jobId}`}, 1, 'x')`;
    await rooms.owner`insert into embeddings (account_id, space, job_id, vec) values (${accountId}, 's', ${jobId}, '{1}')`;
    await rooms.owner`
      insert into api_keys (id, account_id, name, prefix, secret_hash, scopes) values (${`key_${accountId}`}, ${accountId}, 'x', ${accountId}, 'h', '{}')`;
    await rooms.owner`
      insert into users (id, email) values (${`usr_${accountId}`}, 'a@example.com'), (${`usr_both_${accountId}`}, 'b@example.com')`;
    await rooms.owner`
      insert into memberships (account_id, user_id, role) values
        (${accountId}, ${`usr_${accountId}`}, 'owner'), (${accountId}, ${`usr_both_${accountId}`}, 'viewer'),
        (${rooms.accountId}, ${`usr_both_${accountId}`}, 'viewer')`;
    await rooms.owner`insert into identities (issuer, subject, user_id) values ('i', ${accountId}, ${`usr_${accountId}`})`;
    await rooms.api.transaction((tx) => recordEvent(tx, { accountId, type: "security.alert", data: {} }));
    await recordAudit(rooms.api, { accountId, actor: { kind: "operator", id: null }, action: "x.y" });
    return accountId;
  }

  test("is gone with everything but the audit trail, its blobs are ordered deleted, and others keep theirs", async () => {
    const kept = await endedJob();
    const accountId = await filledAccount();
    expect(await deleteAccount(rooms.api, accountId)).toBe(true);
    expect(await deleteAccount(rooms.api, accountId)).toBe(false);
    await purgeAll();
    // The last access token that it was given is dead by then.
    await rooms.owner`update accounts set deleted_at = now() - interval '16 minutes' where id = ${accountId}`;
    await purgeAll();
    const tables = await rooms.owner<{ name: string }[]>`
      select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name = 'account_id'`;
    const left = await Promise.all(
      tables.map(async ({ name }) => {
        const rows = await rooms.owner`select from ${rooms.owner(name)} where account_id = ${accountId}`;
        return [name, rows.length] as const;
      }),
    );
    expect(left.filter(([, count]) => count > 0)).toEqual([["audit_log", 2]]);
    expect(await rooms.owner`select from accounts where id = ${accountId}`).toHaveLength(0);
    expect(await rooms.owner`select email from users`).toEqual([{ email: "b@example.com" }]);
    expect(await rooms.owner`select id from jobs`).toEqual([{ id: kept }]);
    const blobs = await rooms.owner`select blob_key from blob_deletions order by 1`;
    expect(blobs.map(({ blob_key: key }) => String(key).split("/")[0])).toEqual(["results", "uploads"]);
    const acts = await rooms.owner`select action from audit_log where account_id = ${accountId} order by id`;
    expect(acts.map(({ action }) => action).toSorted()).toEqual(["account.purged", "x.y"]);
    await rooms.owner`delete from memberships; delete from users`.simple();
  });

  test("whose job still runs is told to stop, and goes once that has", async () => {
    const { id: accountId } = await createAccount(rooms.ownerDb, rooms.sealKeys, "to go");
    const { id } = await rooms.submit({ accountId });
    await rooms.owner`update jobs set status = 'running', lease_token = 't', lease_until = now() - interval '1 s' where id = ${id}`;
    await deleteAccount(rooms.api, accountId);
    await rooms.owner`update accounts set deleted_at = now() - interval '16 minutes' where id = ${accountId}`;
    await purgeAll();
    expect(await rooms.owner`select status from jobs`).toEqual([{ status: "canceling" }]);
    await rooms.owner`update jobs set status = 'canceled', lease_token = null, finished_at = now()`;
    await purgeAll();
    expect(await rooms.owner`select from accounts where id = ${accountId}`).toHaveLength(0);
  });

  test("stays until the last access token has run out, and nobody else's account can be purged", async () => {
    const { id: accountId } = await createAccount(rooms.ownerDb, rooms.sealKeys, "to go");
    await deleteAccount(rooms.api, accountId);
    await purgeAll();
    expect(await rooms.owner`select from accounts where id = ${accountId}`).toHaveLength(1);
    const other = rooms.deliver.execute(`select purge_account('${rooms.accountId}', 1)`);
    await expect(other).rejects.toMatchObject({
      cause: { message: "this account was not deleted by its owner" },
    });
  });
});
