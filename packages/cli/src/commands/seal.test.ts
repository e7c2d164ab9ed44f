import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  newEnvelope,
  newResultKey,
  openEnvelope,
  parseResultKeys,
  parseResultSealKey,
  resultSealKeyOf,
} from "@earshot/shared/crypto/result-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import { readWebhookSecret } from "@earshot/shared/db/accounts";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runCli } from "./testing/run-cli.ts";

let rooms: TestRooms;
let home: string;
beforeAll(async () => {
  [rooms, home] = await Promise.all([openTestRooms(), mkdtemp(join(tmpdir(), "earshot-test-seal-"))]);
  const [{ key }] = rooms.sealKeys;
  await writeFile(join(home, "seal-keys"), `k1:${toBase64(key)}`, { mode: 0o600 });
  await writeFile(join(home, "result-keys"), await newResultKey("r1"), { mode: 0o600 });
  // The account of the rooms was sealed under another name of the same key.
  await rooms.owner`update accounts set webhook_secret_sealed = replace(webhook_secret_sealed, 'v1.test.', 'v1.k1.')`;
});
afterAll(() => Promise.all([rooms[Symbol.asyncDispose](), rm(home, { recursive: true })]));

const textOf = async (name: string) => (await readFile(join(home, name), "utf8")).trim();

const cli = (...args: string[]) =>
  runCli(args, { env: { EARSHOT_HOME: home, EARSHOT_DATABASE_URL: rooms.urls.owner } });

test("a rotation re-seals secrets and results, and the old keys may then be dropped, not before", async () => {
  const { id } = await rooms.submit();
  const oldKeys = parseResultKeys(await textOf("result-keys"));
  const sealKey = parseResultSealKey(await resultSealKeyOf(oldKeys[0]));
  const { sealedKey } = await newEnvelope(sealKey, `${id} speech.segments`);
  await rooms.owner`
    insert into task_results (job_id, task, position, attempt, status, version, device, body, body_bytes, body_sha256, key_id, sealed_key)
    values (${id}, 'speech.segments', 0, 1, 'succeeded', '1', 'cpu', 'sealed', 1, 'x', 'r1', ${sealedKey})`;

  expect(jsonLines(await cli("seal", "rotate", "--json"))).toEqual([{ secrets: "k2", results: "r2" }]);
  expect((await stat(join(home, "seal-keys"))).mode & 0o777).toBe(0o600);
  const early = await cli("seal", "drop", "k1", "--json");
  expect([early.status, early.stdout]).toEqual([1, expect.stringContaining("1 values are sealed by k1")]);

  expect(jsonLines(await cli("seal", "reseal", "--json"))).toEqual([{ secrets: 1, results: 1 }]);
  expect(jsonLines(await cli("seal", "status", "--json"))).toEqual([
    [
      { kind: "results", key_id: "r2", count: 1 },
      { kind: "secrets", key_id: "k2", count: 1 },
    ],
  ]);
  for (const key of ["k1", "r1"]) expect((await cli("seal", "drop", key)).status).toBe(0);
  const left = parseSealKeys(await textOf("seal-keys"));
  expect(left.map((key) => key.id)).toEqual(["k2"]);
  expect(await readWebhookSecret(rooms.api, left, rooms.accountId)).toBe(rooms.webhookSecret);
  const [row] = await rooms.owner`select sealed_key from task_results`;
  await openEnvelope(
    parseResultKeys(await textOf("result-keys")),
    row?.["sealed_key"],
    `${id} speech.segments`,
  );
  const acts = await rooms.owner`select action, target from audit_log order by created_at, id`;
  expect(acts.map(({ action }) => action)).toEqual(["seal.reseal", "seal.drop_key", "seal.drop_key"]);

  const current = await cli("seal", "drop", "k2", "--json");
  expect([current.status, current.stdout]).toEqual([1, expect.stringContaining("is the key that seals")]);
});

test("nothing is sealed by a key that the running stack does not know yet", async () => {
  const lock = join(home, "lock");
  await writeFile(lock, "{}");
  await utimes(lock, new Date(0), new Date(0));
  const refused = await cli("seal", "reseal", "--json");
  expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining("restart the stack first")]);
  await utimes(lock, new Date(), new Date());
  expect((await cli("seal", "reseal")).status).toBe(0);
});

test("keys for another deployment are made in files of 0600, and never printed", async () => {
  for (const kind of ["secrets", "results", "audit"]) {
    const out = join(home, `new-${kind}`);
    const { status, stdout } = await cli("seal", "generate", kind, "--out", out);
    expect([status, stdout.trim()]).toEqual([0, out]);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
  }
  expect((await cli("seal", "generate", "other", "--out", join(home, "x"))).status).toBe(2);
});

test("elsewhere the keys of a deployment are named in its environment, the next one before the old", async () => {
  const [newKey, next] = [join(home, "new-key"), join(home, "next-seal-keys")];
  expect((await cli("seal", "generate", "secrets", "--id", "k3", "--out", newKey)).status).toBe(0);
  await writeFile(next, `${await textOf("new-key")},${await textOf("seal-keys")}\n`, { mode: 0o600 });
  const env = { EARSHOT_HOME: home, EARSHOT_DATABASE_URL: rooms.urls.owner, EARSHOT_SEAL_KEYS_FILE: next };
  const reseal = () => runCli(["seal", "reseal", "--json"], { env });
  expect(jsonLines(await reseal())).toEqual([{ secrets: 1, results: 0 }]);
  expect(jsonLines(await reseal())).toEqual([{ secrets: 0, results: 0 }]);
  const newest = parseSealKeys(await textOf("new-key"));
  expect(await readWebhookSecret(rooms.api, newest, rooms.accountId)).toBe(rooms.webhookSecret);
});
