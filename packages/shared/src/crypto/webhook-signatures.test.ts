import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { randomBytes, toBase64, toBase64Url } from "./bytes.ts";
import { newWebhookSecret, signWebhook, webhookKey } from "./webhook-signatures.ts";

/** The example of Standard Webhooks. */
const VECTOR = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  message: {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestampSeconds: 1_614_265_330,
    body: '{"test": 2432232314}',
  },
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};

describe("a signature", () => {
  const now = Math.floor(Date.now() / 1_000);
  const message = { id: "evt_1", timestampSeconds: now, body: '{"type":"job.succeeded","who":"Zo\u00eb"}' };

  test("is the one of the standard's example", async () => {
    expect(await signWebhook(VECTOR.message, [VECTOR.secret])).toEqual({
      "webhook-id": VECTOR.message.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": VECTOR.signature,
    });
  });

  test("convinces an independent verifier", async () => {
    const secret = newWebhookSecret();
    const headers = await signWebhook(message, [secret]);
    expect(new Webhook(secret).verify(message.body, headers)).toEqual(JSON.parse(message.body));
  });

  test.each([
    ["body", { ...message, body: message.body.replace("succeeded", "failed") }],
    ["id", { ...message, id: "evt_2" }],
    ["timestamp", { ...message, timestampSeconds: now - 1 }],
  ])("does not hold for another %s", async (_, changed) => {
    const secret = newWebhookSecret();
    const { "webhook-signature": signature } = await signWebhook(message, [secret]);
    const headers = { ...(await signWebhook(changed, [secret])), "webhook-signature": signature ?? "" };
    expect(() => new Webhook(secret).verify(changed.body, headers)).toThrow("No matching signature");
  });

  test("of a rotation convinces the holder of either secret, and nobody else", async () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()];
    const headers = await signWebhook(message, secrets);
    for (const secret of secrets) new Webhook(secret).verify(message.body, headers);
    expect(() => new Webhook(newWebhookSecret()).verify(message.body, headers)).toThrow(
      "No matching signature",
    );
  });

  test("is not made with a secret of the wrong form", async () => {
    await expect(signWebhook(message, [newWebhookSecret(), "whsec_short"])).rejects.toThrow(TypeError);
  });
});

describe("a secret", () => {
  test("that is new has 32 random bytes", () => {
    expect(webhookKey(newWebhookSecret())).toHaveLength(32);
    expect(newWebhookSecret()).not.toBe(newWebhookSecret());
  });

  test.each([24, 25, 32, 64])(
    "of %i bytes has the key that an independent verifier takes from it",
    async (length) => {
      const bytes = randomBytes(length);
      const secret = `whsec_${toBase64(bytes)}`;
      expect(webhookKey(secret)).toEqual(bytes);
      const message = { id: "evt_1", timestampSeconds: Math.floor(Date.now() / 1_000), body: "{}" };
      new Webhook(secret).verify("{}", await signWebhook(message, [secret]));
    },
  );

  test.each([
    ["of 23 bytes", `whsec_${toBase64(randomBytes(23))}`],
    ["of 65 bytes", `whsec_${toBase64(randomBytes(65))}`],
    ["without a key", "whsec_"],
    ["without its prefix", toBase64(randomBytes(32))],
    ["with another prefix", `whpk_${toBase64(randomBytes(32))}`],
    ["in base64url", `whsec_${toBase64Url(new Uint8Array(33).fill(0xff))}`],
    ["without padding", `whsec_${toBase64Url(new Uint8Array(32))}`],
    ["with a space", `whsec_ ${toBase64(randomBytes(32))}`],
    ["with a newline", `${newWebhookSecret()}\n`],
    ["that is empty", ""],
  ])("%s is refused", (_, secret) => {
    expect(webhookKey(secret)).toBeNull();
  });
});
