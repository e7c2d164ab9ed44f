import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newAuditKey, openAuditKey } from "@earshot/shared/crypto/audit-keys";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { importPrivate } from "@earshot/shared/crypto/signing-keys";
import { sealAudit } from "@earshot/shared/db/audit-seals";
import { recordAudit } from "@earshot/shared/db/audit";
import { requireSigner } from "@earshot/shared/db/signing-keys";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runHere } from "./testing/run-cli.ts";

let rooms: TestRooms;
let directory: string;
beforeAll(async () => {
  [rooms, directory] = await Promise.all([
    openTestRooms(),
    mkdtemp(join(tmpdir(), "earshot-test-rotate-keys-")),
  ]);
});
afterAll(() => Promise.all([rooms[Symbol.asyncDispose](), rm(directory, { recursive: true })]));

/** No embedded stack is there: a deployment's database, as its API logs in. */
const cli = (args: string[], env: Record<string, string> = {}) =>
  runHere(args, { EARSHOT_HOME: join(directory, "home"), EARSHOT_DATABASE_URL: rooms.urls.api, ...env });

const act = (target: string) =>
  recordAudit(rooms.api, {
    accountId: rooms.accountId,
    actor: { kind: "operator", id: null },
    action: "api_key.create",
    target,
  });

test("the audit key is rotated in its files, and the chain verifies across it", async () => {
  const [file, publicKeys] = [join(directory, "audit-key"), join(directory, "audit-key.pub")];
  const old = await newAuditKey();
  await writeFile(file, old, { mode: 0o600 });
  const sealWith = async (text: string) => sealAudit(rooms.deliver, await openAuditKey(text), new Date());
  await act("k1");
  await sealWith(old);

  const rotate = ["audit", "rotate-key", "--key", file, "--public-keys", publicKeys];
  const [told] = jsonLines(await cli([...rotate, "--json"])) as [{ key_id: string; replaces: string }];
  const next = (await readFile(file, "utf8")).trim();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(told).toEqual({ key_id: (await openAuditKey(next)).id, replaces: (await openAuditKey(old)).id });
  expect(JSON.stringify(told)).not.toContain(next);
  await sealWith(next);
  const verify = async () => cli(["audit", "verify", "--public-keys", publicKeys, "--json"]);
  expect(jsonLines(await verify())).toMatchObject([{ ok: true, seals: 2, rows: 2, faults: [] }]);
  const [row] = await rooms.owner`select target, detail from audit_log where action = 'audit_key.rotate'`;
  expect(row).toMatchObject({ target: told.key_id, detail: { replaces: told.replaces } });
});

test("it is not rotated without both of its files, nor where there is no key", async () => {
  expect((await cli(["audit", "rotate-key", "--key", "x"])).status).toBe(2);
  const none = await cli(["audit", "rotate-key", "--json"]);
  expect([none.status, none.stdout]).toEqual([3, expect.stringContaining("There is no audit key")]);
});

test("signing keys are rotated in any database, sealed by the seal keys of its deployment", async () => {
  const [{ id, key }] = rooms.sealKeys;
  const sealed = { EARSHOT_SEAL_KEYS: `${id}:${toBase64(key)}` };
  const [made] = jsonLines(await cli(["keys", "rotate-signing", "--at-once", "--json"], sealed)) as [
    { kid: string },
  ];
  const signer = await requireSigner(rooms.api, rooms.sealKeys, "EdDSA");
  expect(signer.kid).toBe(made.kid);
  await importPrivate(signer, rooms.sealKeys);
  const without = await cli(["keys", "rotate-signing", "--json"]);
  expect([without.status, without.stdout]).toEqual([3, expect.stringContaining("EARSHOT_SEAL_KEYS")]);
});
