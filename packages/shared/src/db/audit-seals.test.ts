import { setTimeout as turn } from "node:timers/promises";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AuditHead } from "../crypto/audit-chain.ts";
import { newAuditKey, openAuditKey, openAuditPublicKey } from "../crypto/audit-keys.ts";
import type { AuditKey, AuditPublicKey } from "../crypto/audit-keys.ts";
import { holdsHead, readAuditHead, retireAudit, sealAudit } from "./audit-seals.ts";
import { recordAudit } from "./audit.ts";
import { verifyAudit } from "./verify-audit.ts";

let rooms: TestRooms;
let key: AuditKey;
let publicKey: AuditPublicKey;
beforeAll(async () => {
  rooms = await openTestRooms();
  key = await openAuditKey(await newAuditKey());
  publicKey = await openAuditPublicKey(key.publicKey);
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const NOW = new Date("2026-11-01T12:00:00.123Z");
const DAY_MS = 24 * 3600 * 1_000;

const act = (target: string, db = rooms.api) =>
  recordAudit(db, {
    accountId: rooms.accountId,
    actor: { kind: "operator", id: null },
    action: "api_key.create",
    target,
    detail: { z: 1, a: "ü" },
  });

const seal = (now = NOW) => sealAudit(rooms.deliver, key, now);

/** Three seals over five rows. */
async function sealedLog(): Promise<AuditHead> {
  for (const targets of [["k1", "k2"], ["k3"], ["k4", "k5"]]) {
    for (const target of targets) await act(target);
    await seal();
  }
  const head = await readAuditHead(rooms.deliver);
  if (head === null) throw new Error("nothing was sealed");
  return head;
}

async function faultsOf(head: AuditHead | null = null, keys = [publicKey]): Promise<string[]> {
  const { faults } = await verifyAudit(rooms.api, keys, head);
  return faults.map(({ kind }) => kind);
}

/** As one who owns the server, whom no trigger stops. */
const tamper = (statements: string) =>
  rooms.owner.unsafe(`set session_replication_role = replica; ${statements}; reset session_replication_role`);

test("a log that nobody touched verifies, with its head and without", async () => {
  const head = await sealedLog();
  await act("k6");
  expect(await verifyAudit(rooms.api, [publicKey], head)).toEqual({
    head,
    seals: 3,
    rows: 5,
    unsealedRows: 1,
    faults: [],
  });
  expect(head.seq).toBe(3);
  expect(await faultsOf()).toEqual([]);
});

describe("a rotation of the key", () => {
  const NOW_ON = new Date(NOW.getTime() + 1_000);

  async function rotated(): Promise<{ next: AuditKey; keys: AuditPublicKey[] }> {
    await sealedLog();
    const next = await openAuditKey(await newAuditKey());
    await act("k6");
    await sealAudit(rooms.deliver, next, NOW_ON);
    return { next, keys: [publicKey, await openAuditPublicKey(next.publicKey)] };
  }

  test("leaves one chain, which both keys verify, and one alone does not", async () => {
    const { keys } = await rotated();
    expect(await faultsOf(null, keys)).toEqual([]);
    expect(await faultsOf(null, keys.slice(1))).toEqual(["unknown_key", "unknown_key", "unknown_key"]);
  });

  test("ends the old key: a sealer that still has it signs no more, and leaves the rows to the next one", async () => {
    const { next, keys } = await rotated();
    await act("k7");
    await expect(seal(NOW_ON)).rejects.toThrow(`was replaced by ${next.id}`);
    expect(await sealAudit(rooms.deliver, next, NOW_ON)).toMatchObject({ rows: 1 });
    expect(await faultsOf(null, keys)).toEqual([]);
  });

  test("is no use to who has stolen the old key: what he seals after it is found", async () => {
    const { keys } = await rotated();
    await act("k7");
    await tamper(`update audit_seals set key_id = 'hidden' where key_id = '${key.id}'`);
    await seal(NOW_ON);
    await tamper(`update audit_seals set key_id = '${key.id}' where key_id = 'hidden'`);
    expect(await faultsOf(null, keys)).toEqual(["retired_key"]);
  });
});

test("an empty log verifies", async () => {
  expect(await verifyAudit(rooms.api, [publicKey], null)).toMatchObject({ head: null, faults: [] });
});

describe("what somebody did to the log behind its back is found", () => {
  test.for([
    ["a changed row", "update audit_log set target = 'k9' where target = 'k2'", ["row_changed"]],
    [
      "a changed detail",
      `update audit_log set detail = '{"a": "u", "z": 1}' where target = 'k2'`,
      ["row_changed"],
    ],
    [
      "a changed time",
      "update audit_log set created_at = created_at - interval '1 ms' where target = 'k3'",
      ["row_changed"],
    ],
    ["a removed row", "delete from audit_log where target = 'k3'", ["row_removed"]],
    ["a removed last row", "delete from audit_log where target = 'k5'", ["row_removed"]],
    [
      "two rows that changed places",
      "update audit_log set sequence = 90 where sequence = 1; update audit_log set sequence = 1 where sequence = 2; update audit_log set sequence = 2 where sequence = 90",
      ["row_changed"],
    ],
    [
      "a row put in after the sealed ones",
      "insert into audit_log (id, actor_kind, action, outcome, sequence) values ('aud_x', 'operator', 'x', 'success', 6)",
      ["row_inserted"],
    ],
    [
      "a row put in before the sealed ones",
      "insert into audit_log (id, actor_kind, action, outcome, sequence) values ('aud_x', 'operator', 'x', 'success', 0)",
      ["row_inserted"],
    ],
    [
      "a row put in the place of another",
      "update audit_log set id = 'aud_x', target = 'k9' where target = 'k4'",
      ["row_changed"],
    ],
    [
      "a row put in between, those after it moved",
      "update audit_log set sequence = 6 where sequence = 5; insert into audit_log (id, actor_kind, action, outcome, sequence) values ('aud_x', 'operator', 'x', 'success', 5)",
      ["row_changed", "row_inserted"],
    ],
    ["a removed seal", "delete from audit_seals where seq = 2", ["seal_removed"]],
    [
      "a removed beginning",
      "delete from audit_seals where seq = 1; delete from audit_log where sequence < 3",
      ["seal_removed"],
    ],
    [
      "a changed seal",
      "update audit_seals set row_count = 1, last_row = 4 where seq = 3",
      ["seal_changed", "row_changed", "row_inserted"],
    ],
    [
      "a removed row, and its seal changed to fit",
      "delete from audit_log where sequence = 5; update audit_seals set row_count = 1, last_row = 4 where seq = 3",
      ["seal_changed", "row_changed"],
    ],
    [
      "a checkpoint that nobody signed",
      "delete from audit_log where sequence < 3; insert into audit_seals (seq, kind, row_count, removed_seal, removed_through, digest, previous_hash, created_at, key_id, signature) select 4, 'checkpoint', 0, 1, 2, s.previous_hash, 'x', now(), s.key_id, s.signature from audit_seals s where seq = 2; delete from audit_seals where seq = 1",
      ["seal_changed", "seal_changed"],
    ],
  ] as const)("%s", async ([, statements, expected]) => {
    await sealedLog();
    await tamper(statements);
    expect(await faultsOf()).toEqual(expected);
  });

  test("a cut tail, by the head that somebody kept", async () => {
    const head = await sealedLog();
    await tamper("delete from audit_log where sequence > 3; delete from audit_seals where seq = 3");
    expect(await faultsOf()).toEqual([]);
    expect(await faultsOf(head)).toEqual(["tail_cut"]);
    expect(await holdsHead(rooms.deliver, head)).toBe(false);
  });

  test("a cut tail that has grown again since", async () => {
    const head = await sealedLog();
    await tamper("delete from audit_log where sequence > 3; delete from audit_seals where seq = 3");
    await act("k7");
    await seal();
    expect(await faultsOf()).toEqual([]);
    expect(await faultsOf(head)).toEqual(["rewritten"]);
    expect(await holdsHead(rooms.deliver, head)).toBe(false);
  });

  test("a whole log in the place of another, signed by a key of somebody else's", async () => {
    await act("k1");
    const other = await openAuditKey(await newAuditKey());
    await sealAudit(rooms.deliver, other, NOW);
    expect(await faultsOf()).toEqual(["unknown_key"]);
  });
});

test("a key may be renewed: each seal names the one that signed it", async () => {
  await sealedLog();
  const next = await openAuditKey(await newAuditKey());
  await act("k6");
  await sealAudit(rooms.deliver, next, NOW);
  expect(await faultsOf(null, [publicKey, await openAuditPublicKey(next.publicKey)])).toEqual([]);
  expect(await faultsOf()).toEqual(["unknown_key"]);
});

test("a row whose transaction commits late is sealed late, after rows that began later", async () => {
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>();
  const late = rooms.api.transaction(async (tx) => {
    await act("late", tx);
    wrote();
    await mayCommit;
  });
  await written;
  await act("early");
  expect(await seal()).toMatchObject({ rows: 1 });
  commit();
  await late;
  expect(await seal()).toMatchObject({ rows: 1 });
  const rows = await rooms.owner`select target, created_at from audit_log order by sequence`;
  expect(rows.map(({ target }) => target)).toEqual(["early", "late"]);
  expect(rows[1]?.["created_at"] <= rows[0]?.["created_at"]).toBe(true);
  expect(await faultsOf()).toEqual([]);
});

test("a sealer that dies in the middle leaves nothing half done", async () => {
  await act("k1");
  const dying = { ...key, sign: () => Promise.reject(new Error("killed")) };
  await expect(sealAudit(rooms.deliver, dying, NOW)).rejects.toThrow("killed");
  expect(await rooms.owner`select sequence from audit_log`).toEqual([{ sequence: null }]);
  expect(await seal()).toMatchObject({ rows: 1, head: { seq: 1 } });
  expect(await faultsOf()).toEqual([]);
});

test("two sealers at once number each row once, in one chain", async () => {
  let acting = true;
  const actors = Promise.all(
    [1, 2, 3].map(async (actor) => {
      for (let count = 0; count < 25; count++) await act(`k${actor}-${count}`);
    }),
  ).then(() => void (acting = false));
  const sealUntilDone = async () => {
    for (let idle = 0; acting || idle < 3;) {
      idle = (await seal()) === null ? idle + 1 : 0;
      await turn();
    }
  };
  await Promise.all([actors, sealUntilDone(), sealUntilDone(), sealUntilDone()]);
  const verdict = await verifyAudit(rooms.api, [publicKey], null);
  expect(verdict).toMatchObject({ rows: 75, unsealedRows: 0, faults: [] });
});

describe("retention", () => {
  const aged = (days: number) =>
    tamper(`update audit_log set created_at = created_at - interval '${days} days' where sequence is null`);
  const before = new Date(NOW.getTime() - 60 * DAY_MS);
  const long = new Date(NOW.getTime() - 61 * DAY_MS);
  const retire = () => retireAudit(rooms.deliver, key, { before, now: NOW });

  async function oldAndNew(): Promise<AuditHead | null> {
    for (const target of ["k1", "k2", "k3"]) {
      await act(target);
      await aged(400);
      await seal(long);
    }
    const head = await readAuditHead(rooms.deliver);
    await act("k4");
    await seal();
    return head;
  }

  test("removes old rows and their seals, and leaves a checkpoint from which the chain goes on", async () => {
    const oldHead = await oldAndNew();
    const head = await retire();
    expect(head?.seq).toBe(5);
    expect(await rooms.owner`select target from audit_log`).toEqual([{ target: "k4" }]);
    expect(await verifyAudit(rooms.api, [publicKey], head)).toMatchObject({ seals: 2, rows: 1, faults: [] });
    expect(await faultsOf(oldHead)).toEqual([]);
    expect(await retire()).toBeNull();
    await act("k5");
    await seal();
    expect(await faultsOf(head)).toEqual([]);
  });

  test("a row put in where retention has removed some is found", async () => {
    await oldAndNew();
    await retire();
    await tamper(
      "insert into audit_log (id, actor_kind, action, outcome, sequence) values ('aud_x', 'operator', 'x', 'success', 2)",
    );
    expect(await faultsOf()).toEqual(["row_inserted"]);
  });

  test("more seals gone than the checkpoint says is found", async () => {
    await oldAndNew();
    await retire();
    await tamper("delete from audit_log; delete from audit_seals where seq = 4");
    expect(await faultsOf()).toEqual(["seal_removed"]);
  });

  test("nothing younger than 30 days is removed, whoever signs for it", async () => {
    await sealedLog();
    const future = { before: new Date(NOW.getTime() + DAY_MS), now: NOW };
    await expect(retireAudit(rooms.deliver, key, future)).rejects.toMatchObject({
      cause: { message: "the audit log is kept for 30 days at least" },
    });
    expect(await rooms.owner`select from audit_log`).toHaveLength(5);
  });
});
