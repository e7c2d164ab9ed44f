import { eq } from "drizzle-orm";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { recordAudit } from "./audit.ts";
import type { AuditEntry } from "./audit.ts";
import { auditLog } from "./schema.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const entry = (overrides: Partial<AuditEntry> = {}): AuditEntry => ({
  accountId: rooms.accountId,
  actor: { kind: "api_key", id: "key_1" },
  action: "job.delete",
  target: "job_1",
  ...overrides,
});

test.for(["api", "worker", "deliver"] as const)("the %s's login can add to the log", async (room) => {
  await recordAudit(rooms[room], entry({ ip: "192.0.2.1", requestId: "req_1", detail: { name: "x" } }));
  const rows = await rooms.deliver.select().from(auditLog);
  expect(rows).toMatchObject([
    {
      accountId: rooms.accountId,
      actorKind: "api_key",
      actorId: "key_1",
      action: "job.delete",
      target: "job_1",
      outcome: "success",
      ip: "192.0.2.1",
      requestId: "req_1",
      detail: { name: "x" },
      sequence: null,
    },
  ]);
});

test("what is rolled back was not done, and is not in the log", async () => {
  const undone = rooms.api.transaction(async (tx) => {
    await recordAudit(tx, entry());
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect(await rooms.deliver.select().from(auditLog)).toEqual([]);
});

test.for([
  "update audit_log set action = 'job.create'",
  "update audit_log set sequence = 1, action = 'job.create'",
  "update audit_log set detail = '{}'",
  "delete from audit_log",
  "truncate audit_log",
  "update audit_seals set digest = 'x'",
  "delete from audit_seals",
  "truncate audit_seals",
])("the owner of the tables is stopped, too: %s", async (statement) => {
  await recordAudit(rooms.api, entry({ detail: { a: 1 } }));
  await rooms.owner`
    insert into audit_seals (seq, kind, first_row, last_row, row_count, digest, previous_hash, created_at, key_id, signature)
    values (1, 'rows', 1, 1, 1, 'd', 'p', now(), 'k', 's')`;
  await expect(rooms.owner.unsafe(statement)).rejects.toThrow("append-only");
});

test("a row is numbered once", async () => {
  await recordAudit(rooms.api, entry());
  await rooms.deliver.update(auditLog).set({ sequence: 1 });
  const again = rooms.deliver.update(auditLog).set({ sequence: 2 }).where(eq(auditLog.sequence, 1));
  await expect(again).rejects.toMatchObject({ cause: { message: "the audit log is append-only" } });
});
