import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { readWebhookSecret } from "@earshot/shared/db/accounts";
import { findAllowedModels } from "@earshot/shared/db/allowed-models";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { readQuotas } from "@earshot/shared/db/quotas";
import { signingSecrets } from "@earshot/shared/db/webhooks/signing-secrets";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runHere } from "./testing/run-cli.ts";

let rooms: TestRooms;
let home: string;
beforeAll(async () => {
  [rooms, home] = await Promise.all([openTestRooms(), mkdtemp(join(tmpdir(), "earshot-test-accounts-"))]);
});
afterAll(() => Promise.all([rooms[Symbol.asyncDispose](), rm(home, { recursive: true })]));

function cli(...args: string[]) {
  const [{ id, key }] = rooms.sealKeys;
  const env = {
    EARSHOT_HOME: home,
    EARSHOT_DATABASE_URL: rooms.urls.owner,
    EARSHOT_SEAL_KEYS: `${id}:${toBase64(key)}`,
  };
  return runHere(args, env);
}

const DEFAULTS = {
  max_queued_jobs: 100_000,
  max_running_jobs: null,
  max_upload_bytes_per_month: null,
  max_audio_seconds_per_month: null,
  allowed_models: null,
};

test("an account's settings are changed, hold, and are in the audit log with what they were", async () => {
  const id = rooms.accountId;
  expect(jsonLines(await cli("accounts", "show", id, "--json"))).toEqual([{ id, name: "test", ...DEFAULTS }]);
  const limits = [
    "--max-queued-jobs",
    "2",
    "--max-running-jobs",
    "4",
    "--max-upload-bytes-per-month",
    "1000",
  ];
  const models = ["--allowed-models", "silero_vad"];
  const changed = { ...DEFAULTS, max_queued_jobs: 2, max_running_jobs: 4, max_upload_bytes_per_month: 1000 };
  const [now] = jsonLines(await cli("accounts", "set", id, ...limits, ...models, "--json"));
  expect(now).toEqual({ id, name: "test", ...changed, allowed_models: ["silero_vad"] });
  expect(await readQuotas(rooms.api, id)).toEqual({
    queuedJobs: 2,
    uploadBytesPerMonth: 1000,
    audioSecondsPerMonth: null,
  });
  expect(await findAllowedModels(rooms.api, id)).toEqual(["silero_vad"]);
  await rooms.submit();
  await rooms.submit();
  await expect(rooms.submit()).rejects.toThrow();

  const back = ["--max-running-jobs", "none", "--allowed-models", "all"];
  expect((await cli("accounts", "set", id, ...back)).stdout).toContain("allowed_models  all");
  const rows =
    await rooms.owner`select actor_kind, action, target, detail from audit_log where account_id = ${id} order by id`;
  const by = { actor_kind: "operator", action: "account.change_settings", target: id };
  expect(rows).toEqual([
    {
      ...by,
      detail: {
        max_queued_jobs: { from: 100_000, to: 2 },
        max_running_jobs: { from: null, to: 4 },
        max_upload_bytes_per_month: { from: null, to: 1000 },
        allowed_models: { from: null, to: ["silero_vad"] },
      },
    },
    {
      ...by,
      detail: { max_running_jobs: { from: 4, to: null }, allowed_models: { from: ["silero_vad"], to: null } },
    },
  ]);
});

test.for([
  ["nothing", []],
  ["a number that is none", ["--max-queued-jobs", "many"]],
  ["no end of queued jobs", ["--max-queued-jobs", "none"]],
  ["a negative number", ["--max-upload-bytes-per-month=-1"]],
  ["a fraction", ["--max-audio-seconds-per-month", "1.5"]],
  ["no running job at all", ["--max-running-jobs", "0"]],
  ["more running jobs than can be counted", ["--max-running-jobs", "2147483648"]],
  ["a model that is none", ["--allowed-models", "silero_vad,nothing"]],
  ["no model", ["--allowed-models", ""]],
] as const)("%s is not set", async ([, args]) => {
  const refused = await cli("accounts", "set", rooms.accountId, ...args, "--json");
  expect(refused.status, refused.stdout).toBe(2);
});

test("an account is made with a name, a webhook secret and a first key, and listed", async () => {
  const [made] = jsonLines(await cli("accounts", "create", "Radio Nord", "--json")) as [{ id: string }];
  expect(await readWebhookSecret(rooms.api, rooms.sealKeys, made.id)).toMatch(/^whsec_/);
  expect((await cli("keys", "create", "--account", made.id)).status).toBe(0);
  const [keys] = jsonLines(await cli("keys", "list", "--account", made.id, "--json")) as [unknown[]];
  expect(keys).toHaveLength(1);
  const [all] = jsonLines(await cli("accounts", "list", "--json"));
  expect(all).toContainEqual({ id: made.id, name: "Radio Nord", ...DEFAULTS });
  const rows = await rooms.owner`select action from audit_log where account_id = ${made.id} order by id`;
  expect(rows.map(({ action }) => action)).toEqual(["account.create", "api_key.create"]);
});

async function claimedSecrets(): Promise<string[]> {
  const { id } = await rooms.submit({ webhookUrl: "https://example.com/hook" });
  await cancelJob(rooms.api, rooms.accountId, id);
  const request = { limit: 1, lanes: new Map<string, number>(), strangers: 1, leaseSeconds: 60 };
  const [claimed] = (await claimDeliveries(rooms.deliver, request)).deliveries;
  return claimed === undefined ? [] : signingSecrets(rooms.sealKeys, claimed);
}

test("an account's webhook secret is rotated into the files that hold it: old and new sign until the grace ends", async () => {
  const id = rooms.accountId;
  const [kept, out] = [join(home, "webhook-secret"), join(home, "out")];
  await writeFile(kept, rooms.webhookSecret);
  await rooms.owner`update accounts set max_queued_jobs = 100`;
  const rotate = (...args: string[]) => cli("accounts", "rotate-webhook-secret", id, ...args);

  expect(jsonLines(await rotate("--out", out, "--json"))).toEqual([{ id, file: out, grace_seconds: 86_400 }]);
  const secret = (await readFile(out, "utf8")).trim();
  expect((await readFile(kept, "utf8")).trim()).toBe(secret);
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  expect(await claimedSecrets()).toEqual([secret, rooms.webhookSecret]);

  await writeFile(kept, "of another account");
  const [last] = jsonLines(await rotate("--grace-hours", "0", "--json")) as [{ secret: string }];
  expect(await claimedSecrets()).toEqual([last.secret]);
  expect(await readFile(kept, "utf8")).toBe("of another account");
  const left = await rooms.owner`select previous_webhook_secret_sealed as old from accounts where id = ${id}`;
  expect(left).toEqual([{ old: null }]);
  const rows =
    await rooms.owner`select target, detail from audit_log where action = 'account.rotate_webhook_secret' order by id`;
  expect(rows).toEqual([
    { target: id, detail: { grace_seconds: 86_400 } },
    { target: id, detail: { grace_seconds: 0 } },
  ]);
});

test("a secret that can't be written down, or with a grace that is none, takes nobody's place", async () => {
  const id = rooms.accountId;
  const before = await readWebhookSecret(rooms.api, rooms.sealKeys, id);
  for (const args of [
    ["--out", join(home, "nowhere/secret")],
    ["--grace-hours", "169"],
  ])
    expect((await cli("accounts", "rotate-webhook-secret", id, ...args)).status).not.toBe(0);
  expect(await readWebhookSecret(rooms.api, rooms.sealKeys, id)).toBe(before);
});

test("an account that isn't there is not found, and one without a name not made", async () => {
  for (const args of [["show"], ["set", "--max-queued-jobs", "1"], ["rotate-webhook-secret"]]) {
    const [verb = "", ...more] = args;
    const refused = await cli("accounts", verb, "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", ...more, "--json");
    expect([refused.status, refused.stdout]).toEqual([1, expect.stringContaining("not_found")]);
  }
  expect((await cli("accounts", "create", " ")).status).toBe(2);
});
