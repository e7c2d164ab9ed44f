import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  newEnvelope,
  newResultKey,
  openEnvelope,
  parseResultKeys,
  parseResultSealKey,
  resultSealKeyOf,
} from "../crypto/result-keys.ts";
import { newSealKey, parseSealKeys, seal, unseal } from "../crypto/seal.ts";
import { readWebhookSecret } from "./accounts.ts";
import { openDatabase } from "./database.ts";
import type { OpenDatabase } from "./database.ts";
import { countSealed, resealResults, resealSecrets, SEALED_COLUMNS } from "./reseal.ts";

let rooms: TestRooms;
let owner: OpenDatabase;
beforeAll(async () => {
  rooms = await openTestRooms();
  owner = openDatabase({ url: rooms.urls.owner, name: "owner" });
});
beforeEach(() => rooms.empty());
afterAll(async () => {
  await owner.close();
  await rooms[Symbol.asyncDispose]();
});

test("every column that holds something sealed is known", async () => {
  const columns = await rooms.owner<{ table: string; column: string }[]>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'public' and (column_name like '%sealed' or column_name like 'sealed%')`;
  const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  expect(columns.map(({ table, column }) => `${table}.${column}`).toSorted()).toEqual(known.toSorted());
});

test("secrets are sealed anew by the first key, all of them, and the old key may go", async () => {
  const [old] = rooms.sealKeys;
  const { id } = await rooms.submit();
  await rooms.owner`update jobs set webhook_secret_sealed = ${await seal([old], "whsec_job", id)} where id = ${id}`;
  // More than a batch.
  const many = Array.from({ length: 601 }, (_, n) => `acc_${String(n).padStart(4, "0")}`);
  const sealed = await Promise.all(many.map((account) => seal([old], `whsec_${account}`, account)));
  await rooms.owner`insert into accounts ${rooms.owner(many.map((account, n) => ({ id: account, name: "x", webhook_secret_sealed: sealed[n] ?? "" })))}`;
  const [next] = parseSealKeys(newSealKey("next"));
  expect(await resealSecrets(owner.db, [next, old])).toBe(603);
  expect(await countSealed(owner.db)).toEqual([{ kind: "secrets", keyId: "next", count: 603 }]);
  expect(await readWebhookSecret(rooms.api, [next], "acc_0600")).toBe("whsec_acc_0600");
  expect(await readWebhookSecret(rooms.api, [next], rooms.accountId)).toBe(rooms.webhookSecret);
  const [job] = await rooms.owner`select webhook_secret_sealed as sealed from jobs where id = ${id}`;
  expect(await unseal([next], job?.["sealed"], id)).toBe("whsec_job");
  expect(await resealSecrets(owner.db, [next, old])).toBe(0);
  await resealSecrets(owner.db, [old, next]);
});

test("results are opened by the new key, and are the same bytes as before", async () => {
  const { id } = await rooms.submit();
  const [text, nextText] = [await newResultKey("r1"), await newResultKey("r2")];
  const old = parseResultKeys(text);
  const { sealedKey } = await newEnvelope(
    parseResultSealKey(await resultSealKeyOf(old[0])),
    `${id} speech.segments`,
  );
  await rooms.owner`
    insert into task_results (job_id, task, position, attempt, status, version, device, body, body_bytes, body_sha256, key_id, sealed_key)
    values (${id}, 'speech.segments', 0, 1, 'succeeded', '1', 'cpu', 'sealed bytes', 1, 'x', 'r1', ${sealedKey})`;
  expect(await resealResults(owner.db, parseResultKeys(`${nextText},${text}`))).toBe(1);
  const [row] = await rooms.owner`select body, key_id, sealed_key from task_results`;
  expect(row).toMatchObject({ body: "sealed bytes", key_id: "r2" });
  await openEnvelope(parseResultKeys(nextText), row?.["sealed_key"], `${id} speech.segments`);
});

test("a value that no configured key opens stops it, and nothing is lost", async () => {
  const [next] = parseSealKeys(newSealKey("next"));
  await expect(resealSecrets(owner.db, [next])).rejects.toThrow("not configured");
  expect(await readWebhookSecret(rooms.api, rooms.sealKeys, rooms.accountId)).toBe(rooms.webhookSecret);
});

test("a login of the product can't reseal results", async () => {
  await expect(rooms.api.execute("update task_results set sealed_key = 'x'")).rejects.toMatchObject({
    cause: { code: "42501" },
  });
});
