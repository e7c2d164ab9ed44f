import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHead } from "@earshot/shared/crypto/audit-chain";
import { newAuditKey, openAuditKey, openAuditPublicKey } from "@earshot/shared/crypto/audit-keys";
import type { AuditKey } from "@earshot/shared/crypto/audit-keys";
import { recordAudit } from "@earshot/shared/db/audit";
import { verifyAudit } from "@earshot/shared/db/verify-audit";
import type { Log } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createAuditSealer } from "./seal-audit.ts";

let rooms: TestRooms;
let key: AuditKey;
let home: string;
beforeAll(async () => {
  [rooms, home] = await Promise.all([openTestRooms(), mkdtemp(join(tmpdir(), "earshot-seal-test-"))]);
  key = await openAuditKey(await newAuditKey());
});
beforeEach(() => rooms.empty());
afterAll(() => Promise.all([rooms[Symbol.asyncDispose](), rm(home, { recursive: true })]));

const act = () =>
  recordAudit(rooms.api, {
    accountId: rooms.accountId,
    actor: { kind: "operator", id: null },
    action: "api_key.create",
  });

/** Runs until `isDone`, with what it logged. */
async function sealUntil(
  isDone: () => Promise<boolean>,
  options: { headFile?: string; clock?: () => Date; keptDays?: number } = {},
) {
  const events: string[] = [];
  const say = (event: string) => void events.push(event);
  const log: Log = { info: say, warn: say, error: say };
  const stop = new AbortController();
  const defaults = { db: rooms.deliver, key, log, periodMs: 5, clock: () => new Date(), keptDays: 365 };
  const sealer = createAuditSealer({ ...defaults, ...options });
  const running = sealer.run(stop.signal);
  await until(isDone, { describe: "the sealer" });
  stop.abort();
  await running;
  return events;
}

const isAllSealed = async () =>
  (await rooms.owner`select from audit_log where sequence is null`).length === 0;

test("what is committed is sealed, and the head is kept in a file", async () => {
  const headFile = join(home, "head-1");
  await act();
  expect(await sealUntil(isAllSealed, { headFile })).toContain("audit_sealed");
  const head = parseHead(await readFile(headFile, "utf8"));
  const publicKey = await openAuditPublicKey(key.publicKey);
  expect(await verifyAudit(rooms.api, [publicKey], head)).toMatchObject({ head, rows: 1, faults: [] });
});

test("a log that was cut while nobody sealed is found at the next start, told, and the kept head stays", async () => {
  const headFile = join(home, "head-2");
  await act();
  await sealUntil(isAllSealed, { headFile });
  const kept = await readFile(headFile, "utf8");
  await rooms.empty();
  await act();
  const found = async () =>
    (await rooms.owner`select from audit_log where action = 'audit.cut_found' and sequence is not null`)
      .length === 1;
  expect(await sealUntil(found, { headFile })).toContain("audit_log_cut");
  expect(await readFile(headFile, "utf8")).toBe(kept);
});

test("rows past their retention go, and a checkpoint tells of them", async () => {
  const then = new Date(Date.now() - 100 * 24 * 3_600_000);
  await act();
  await rooms.owner.unsafe(
    "set session_replication_role = replica; update audit_log set created_at = created_at - interval '100 days'; reset session_replication_role",
  );
  await sealUntil(isAllSealed, { clock: () => then });
  await act();
  const retired = async () =>
    (await rooms.owner`select from audit_seals where kind = 'checkpoint'`).length === 1;
  await sealUntil(retired, { keptDays: 60 });
  expect(await rooms.owner`select from audit_log`).toHaveLength(1);
  const publicKey = await openAuditPublicKey(key.publicKey);
  expect(await verifyAudit(rooms.api, [publicKey], null)).toMatchObject({ rows: 1, faults: [] });
});
