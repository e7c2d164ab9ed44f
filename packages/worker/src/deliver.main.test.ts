import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { newAuditKey, openAuditKey, openAuditPublicKey } from "@earshot/shared/crypto/audit-keys";
import { seal } from "@earshot/shared/crypto/seal";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { recordAudit } from "@earshot/shared/db/audit";
import { verifyAudit } from "@earshot/shared/db/verify-audit";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { startReceiver } from "@earshot/testkit/receiver";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("deliver.main.ts", import.meta.url));

let rooms: TestRooms;
let home: string;
beforeAll(async () => {
  [rooms, home] = await Promise.all([openTestRooms(), mkdtemp(join(tmpdir(), "earshot-deliver-test-"))]);
});
beforeEach(() => rooms.empty());
afterAll(async () => {
  await Promise.all([rooms[Symbol.asyncDispose](), rm(home, { recursive: true })]);
});

function start(overrides: Record<string, string> = {}): ChildProcess {
  const [{ id, key }] = rooms.sealKeys;
  return fork(MAIN, {
    silent: true,
    env: {
      PATH: process.env["PATH"],
      EARSHOT_DATABASE_URL: rooms.urls.deliver,
      EARSHOT_SEAL_KEYS: `${id}:${toBase64(key)}`,
      EARSHOT_BLOBS: pathToFileURL(home).href,
      EARSHOT_ALLOW_LOOPBACK: "1",
      ...overrides,
    },
  });
}

async function startReady(overrides: Record<string, string> = {}): Promise<ChildProcess> {
  const child = start(overrides);
  expect((await once(child, "message"))[0]).toEqual({ ready: true });
  return child;
}

test("the process delivers and sweeps, and leaves with status 0 on SIGTERM, sent twice", async () => {
  await using receiver = await startReceiver();
  const child = await startReady();
  const { id } = await rooms.submit({ webhookUrl: receiver.url });
  const secret = newWebhookSecret();
  await rooms.owner`update jobs set webhook_secret_sealed = ${await seal(rooms.sealKeys, secret, id)}`;
  await cancelJob(rooms.api, rooms.accountId, id);
  const { body, headers } = await receiver.next();
  new Webhook(secret).verify(body, headers as Record<string, string>);
  const numbered = () => rooms.owner`select 1 from events where sequence is not null`;
  await until(async () => (await numbered()).length === 1, { describe: "a sweep" });
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

test("the process drains and leaves when the parent that started it is gone", async () => {
  const child = await startReady();
  const exit = once(child, "exit");
  child.disconnect();
  expect(await exit).toEqual([0, null]);
});

test("two deliverers seal one chain, and one that is killed in the middle leaves it whole", async () => {
  const text = await newAuditKey();
  const key = await openAuditKey(text);
  const children = await Promise.all([1, 2].map(() => startReady({ EARSHOT_AUDIT_KEY: text })));
  const [first, second] = children;
  const act = () =>
    recordAudit(rooms.api, {
      accountId: rooms.accountId,
      actor: { kind: "operator", id: null },
      action: "api_key.create",
    });
  const sealed = async () => (await rooms.owner`select from audit_seals`).length;
  const actUntilSealed = async (seals: number) => {
    for (const goal = (await sealed()) + seals; (await sealed()) < goal;) await act();
  };
  await actUntilSealed(2);
  const killed = first ? once(first, "exit") : null;
  first?.kill("SIGKILL");
  await Promise.all([killed, actUntilSealed(2)]);
  const verdict = async () => verifyAudit(rooms.api, [await openAuditPublicKey(key.publicKey)], null);
  await until(async () => (await verdict()).unsealedRows === 0, { describe: "the rest to be sealed" });
  expect((await verdict()).faults).toEqual([]);
  const exit = second ? once(second, "exit") : [0, null];
  second?.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

test("without a database the process keeps trying, and still leaves in time with status 0", async () => {
  const child = await startReady({ EARSHOT_DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" });
  const exit = once(child, "exit", { signal: AbortSignal.timeout(8_000) });
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

test("a setting that is missing or wrong is named, its value isn't, and the status is 1", async () => {
  const child = start({ EARSHOT_SEAL_KEYS: "sesame", EARSHOT_BLOBS: "" });
  const [exit, stderr] = await Promise.all([once(child, "exit"), child.stderr ? text(child.stderr) : ""]);
  expect(exit).toEqual([1, null]);
  expect(stderr).toContain("EARSHOT_BLOBS");
  expect(stderr).not.toContain("sesame");
});
