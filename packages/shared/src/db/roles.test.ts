import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

type Room = "api" | "worker" | "deliver";

let rooms: TestRooms;
let logins: Record<Room, postgres.Sql>;
beforeAll(async () => {
  rooms = await openTestRooms();
  const login = (room: Room) => postgres(rooms.urls[room], { max: 1, onnotice() {} });
  logins = { api: login("api"), worker: login("worker"), deliver: login("deliver") };
});
afterAll(async () => {
  await Promise.all(Object.values(logins).map((login) => login.end()));
  await rooms[Symbol.asyncDispose]();
});

const EVERYONE: Room[] = ["api", "worker", "deliver"];
const REFUSED = { code: "42501" };

const FORBIDDEN: readonly (readonly [Room[], string])[] = [
  // Secrets and identities.
  [["worker", "deliver"], "select * from api_keys"],
  [["worker"], "select * from accounts"],
  [["worker"], "select webhook_secret_sealed from jobs"],
  [["worker"], "select * from jobs"],
  [["worker"], "update jobs set webhook_secret_sealed = 'x'"],
  [["worker"], "update jobs set webhook_url = 'https://example.com'"],
  [["worker"], "update jobs set input_url = 'https://example.com'"],
  [["worker"], "update jobs set account_id = 'acc_x'"],
  [["worker"], "select * from idempotency_keys"],
  [["worker", "deliver"], "update accounts set webhook_secret_sealed = 'x'"],
  [["worker", "deliver"], "insert into accounts values ('acc_x', 'x', 'x')"],
  [["worker"], "select * from webhook_endpoints"],
  [["worker"], "select secret_sealed from webhook_endpoints"],
  [["worker"], "select previous_secret_sealed from webhook_endpoints"],
  [["worker", "deliver"], "insert into webhook_endpoints select * from webhook_endpoints"],
  [["worker", "deliver"], "update webhook_endpoints set secret_sealed = 'x'"],
  [["worker", "deliver"], "update webhook_endpoints set url = 'https://example.com'"],
  // Orders are the front door's alone, results the worker's alone.
  [["worker", "deliver"], "insert into jobs select * from jobs"],
  [["worker", "deliver"], "insert into uploads select * from uploads"],
  [["api", "deliver"], "insert into task_results select * from task_results"],
  [EVERYONE, "update task_results set body = '{}'"],
  [["worker"], "delete from task_results"],
  [["api", "deliver"], "insert into embeddings select * from embeddings"],
  [["api", "deliver"], "insert into job_attempts (job_id, attempt, worker_id) values ('j', 1, 'w')"],
  [["api"], "update job_attempts set charged = false"],
  // What was said to receivers is a record.
  [EVERYONE, "delete from events"],
  [EVERYONE, "delete from deliveries"],
  [EVERYONE, "delete from delivery_attempts"],
  [EVERYONE, "update delivery_attempts set status_code = 200"],
  [["api", "worker"], "insert into delivery_attempts select * from delivery_attempts"],
  [["worker"], "select * from events"],
  [["worker"], "select payload from events"],
  [["api", "worker"], "update deliveries set status = 'succeeded'"],
  [["api", "worker"], "update event_sequences set last = 0"],
  [EVERYONE, "delete from webhook_endpoints"],
  [["worker"], "select * from deliveries"],
  [["api", "worker"], "update events set payload = '{}'"],
  // What ages out, and what an owner has deleted, goes through the functions that check that.
  [["api", "worker"], "select retire_events(1, 1)"],
  [["api", "worker"], "select purge_account('acc_x', 1)"],
  [["api", "worker"], "select * from scrub_orders"],
  [["worker", "deliver"], "update accounts set deleted_at = now()"],
  // The audit log only grows; its times and its order are not its writers' to say.
  [EVERYONE, "delete from audit_log"],
  [EVERYONE, "truncate audit_log"],
  [EVERYONE, "update audit_log set action = 'x'"],
  [["api", "worker"], "update audit_log set sequence = 1"],
  [
    EVERYONE,
    "insert into audit_log (id, actor_kind, action, outcome, sequence) values ('a', 'x', 'x', 'success', 1)",
  ],
  [
    EVERYONE,
    "insert into audit_log (id, actor_kind, action, outcome, created_at) values ('a', 'x', 'x', 'success', now())",
  ],
  [["worker"], "select * from audit_log"],
  [["api", "worker"], "insert into audit_seals select * from audit_seals"],
  [EVERYONE, "update audit_seals set digest = 'x'"],
  [EVERYONE, "delete from audit_seals"],
  [["api", "worker"], "select retire_audit(1, 1, 'x', 'x', now(), 'x', 'x')"],
  [EVERYONE, "alter table audit_log disable trigger audit_log_guarded"],
  // Nobody removes a job, and nobody is an owner.
  [EVERYONE, "delete from jobs"],
  [EVERYONE, "delete from uploads"],
  [EVERYONE, "delete from accounts"],
  [EVERYONE, "drop table jobs"],
  [EVERYONE, "truncate jobs"],
  [EVERYONE, "alter table jobs disable trigger job_transition"],
  [EVERYONE, "create table public.mine (id integer)"],
  [EVERYONE, "create or replace function check_job_transition() returns trigger language sql as ''"],
  [EVERYONE, "insert into schema_migrations (version, name, sha256) values (99, 'x', 'x')"],
  [EVERYONE, "create role friend"],
  [EVERYONE, "set role postgres"],
];

const CASES = FORBIDDEN.flatMap(([who, statement]) => who.map((room) => [room, statement] as const));

test.for(CASES)("the %s's login may not: %s", async ([room, statement]) => {
  await expect(logins[room].unsafe(statement)).rejects.toMatchObject(REFUSED);
});

test.for(EVERYONE)("the %s's login may read which migrations are applied", async (room) => {
  expect(await logins[room]`select version from schema_migrations`).not.toHaveLength(0);
});
