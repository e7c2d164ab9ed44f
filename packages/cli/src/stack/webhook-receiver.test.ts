import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeSecret } from "./secret-file.ts";
import { receiveWebhook } from "./webhook-receiver.ts";

let directory: string;
let secretFile: string;
const secret = newWebhookSecret();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-receiver-"));
  secretFile = join(directory, "webhook-secret");
  await writeSecret(secretFile, secret);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const BODY = '{"type":"job.succeeded","timestamp":"2026-11-25T12:00:00Z","data":{}}';
const never = new AbortController().signal;

function post(url: string, signedBody: string, body = signedBody): Promise<Response> {
  const at = new Date();
  const headers = {
    "webhook-id": "evt_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret).sign("evt_1", at, signedBody),
  };
  return fetch(url, { method: "POST", headers, body });
}

test("a webhook that an independent implementation has signed is right", async () => {
  await using receiver = await receiveWebhook(secretFile);
  await post(receiver.url, BODY);
  expect(await receiver.received(never)).toBe("evt_1 received, its signature is right");
});

test("one whose body was changed on the way is told", async () => {
  await using receiver = await receiveWebhook(secretFile);
  await post(receiver.url, BODY, BODY.replace("succeeded", "failed"));
  expect(await receiver.received(never)).toBe("evt_1 received, its signature is WRONG");
});

test("one that never comes is told when the wait ends", async () => {
  await using receiver = await receiveWebhook(secretFile);
  expect(await receiver.received(AbortSignal.abort(new Error("enough")))).toBe("did not arrive");
});
