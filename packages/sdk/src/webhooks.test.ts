import { newWebhookSecret, signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { unwrap } from "./webhooks.ts";

const NOW = new Date("2026-11-25T12:00:00Z");
const nowSeconds = NOW.getTime() / 1_000;
const SECRET = newWebhookSecret();
const MESSAGE = {
  id: "evt_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD",
  timestampSeconds: nowSeconds,
  body: '{"type":"job.succeeded","timestamp":"2026-11-25T11:59:58Z","data":{"id":"job_1","who":"Zo\u00eb"}}',
};

const signed = (overrides: Partial<typeof MESSAGE> = {}, secrets = [SECRET]) =>
  signWebhook({ ...MESSAGE, ...overrides }, secrets);
const open = (
  body: string | Uint8Array,
  headers: Record<string, string>,
  secret: string | string[] = SECRET,
) => unwrap(body, headers, secret, { now: () => NOW });

const OPENED = {
  id: MESSAGE.id,
  type: "job.succeeded",
  timestamp: "2026-11-25T11:59:58Z",
  data: { id: "job_1", who: "Zo\u00eb" },
};

describe("a webhook", () => {
  test("that we signed is opened, as text and as bytes, with headers of any kind", async () => {
    const headers = await signed();
    expect(await open(MESSAGE.body, headers)).toEqual(OPENED);
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(await open(new TextEncoder().encode(MESSAGE.body), upper)).toEqual(OPENED);
    expect(await unwrap(MESSAGE.body, new Headers(headers), SECRET, { now: () => NOW })).toEqual(OPENED);
  });

  test("that an independent library signed is opened", async () => {
    const signature = new Webhook(SECRET).sign(MESSAGE.id, NOW, MESSAGE.body);
    const headers = {
      "webhook-id": MESSAGE.id,
      "webhook-timestamp": String(nowSeconds),
      "webhook-signature": signature,
    };
    expect(await open(MESSAGE.body, headers)).toEqual(OPENED);
  });

  test("is the standard's own example, in its time and not in ours", async () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const then = () => new Date(1_614_265_330_000);
    // Its signature holds; its body is not one of ours.
    await expect(unwrap('{"test": 2432232314}', headers, secret, { now: then })).rejects.toThrow(
      "{type, timestamp, data}",
    );
    await expect(unwrap('{"test": 2432232314}', headers, secret)).rejects.toThrow("too old");
  });

  test("signed with two secrets is opened with either, and one secret of several is enough", async () => {
    const [old, fresh, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
    const both = await signed({}, [old, fresh]);
    for (const secret of [old, fresh, [other, old], [fresh, other]]) {
      expect(await open(MESSAGE.body, both, secret)).toEqual(OPENED);
    }
    await expect(open(MESSAGE.body, both, other)).rejects.toThrow("No signature");
    await expect(open(MESSAGE.body, both, [other, newWebhookSecret()])).rejects.toThrow("No signature");
  });

  test("may be five minutes old, or ahead, and no more", async () => {
    for (const seconds of [-300, 300]) {
      expect(await open(MESSAGE.body, await signed({ timestampSeconds: nowSeconds + seconds }))).toEqual(
        OPENED,
      );
    }
    const replayed = signed({ timestampSeconds: nowSeconds - 301 });
    await expect(open(MESSAGE.body, await replayed)).rejects.toThrow("too old");
    const early = signed({ timestampSeconds: nowSeconds + 301 });
    await expect(open(MESSAGE.body, await early)).rejects.toThrow("from the future");
  });
});

describe("is refused", () => {
  test.each<[string, (headers: Record<string, string>) => [string, Record<string, string>]]>([
    ["with another body", (headers) => [MESSAGE.body.replace("succeeded", "failed"), headers]],
    ["with one blank more", (headers) => [`${MESSAGE.body} `, headers]],
    ["with another id", (headers) => [MESSAGE.body, { ...headers, "webhook-id": "evt_2" }]],
    [
      "with another time",
      (headers) => [MESSAGE.body, { ...headers, "webhook-timestamp": String(nowSeconds - 1) }],
    ],
    ["with a time that is none", (headers) => [MESSAGE.body, { ...headers, "webhook-timestamp": "1e9" }]],
    [
      "with a time in milliseconds",
      (headers) => [MESSAGE.body, { ...headers, "webhook-timestamp": `${nowSeconds}000` }],
    ],
    ["without a signature", (headers) => [MESSAGE.body, without("webhook-signature", headers)]],
    ["without an id", (headers) => [MESSAGE.body, without("webhook-id", headers)]],
    ["without a time", (headers) => [MESSAGE.body, without("webhook-timestamp", headers)]],
    ["with an empty signature", (headers) => [MESSAGE.body, { ...headers, "webhook-signature": "v1," }]],
    ["with half of the signature", (headers) => [MESSAGE.body, half(headers)]],
    [
      "with a signature of another version",
      (headers) => [
        MESSAGE.body,
        { ...headers, "webhook-signature": `v2${headers["webhook-signature"]?.slice(2)}` },
      ],
    ],
    [
      "with the right signature behind too many wrong ones",
      (headers) => [
        MESSAGE.body,
        { ...headers, "webhook-signature": `${"v1,AAAA ".repeat(16)}${headers["webhook-signature"]}` },
      ],
    ],
  ])("is not opened: a webhook %s", async (_, change) => {
    const [body, headers] = change(await signed());
    await expect(open(body, headers)).rejects.toMatchObject({ name: "WebhookVerificationError" });
  });

  test("a header that came twice", async () => {
    const headers = await signed();
    const twice = { ...headers, "webhook-id": [MESSAGE.id, "evt_2"] };
    await expect(unwrap(MESSAGE.body, twice, SECRET, { now: () => NOW })).rejects.toThrow("webhook-id");
  });

  test.each([
    "",
    "whsec_",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    `whsec_${btoa("x".repeat(23))}`,
    `whsec_${btoa("x".repeat(65))}`,
    "whsec_!!!!",
  ])("a secret that is none: %j", async (secret) => {
    const headers = await signed();
    await expect(open(MESSAGE.body, headers, secret)).rejects.toThrow(TypeError);
    await expect(open(MESSAGE.body, headers, [SECRET, secret])).rejects.toThrow(TypeError);
  });

  test("no secret at all", async () => {
    await expect(open(MESSAGE.body, await signed(), [])).rejects.toThrow(TypeError);
  });

  test.each([
    "null",
    "[]",
    "7",
    '{"type":1,"timestamp":"","data":{}}',
    '{"type":"a","timestamp":"b","data":null}',
    "{",
  ])("a signed body that is no message: %s", async (body) => {
    await expect(open(body, await signed({ body }))).rejects.toThrow("{type, timestamp, data}");
  });
});

test.each([24, 64])("a secret of %i bytes is one", async (bytes) => {
  const secret = `whsec_${btoa("x".repeat(bytes))}`;
  expect(await open(MESSAGE.body, await signed({}, [secret]), secret)).toEqual(OPENED);
});

function half(headers: Record<string, string>): Record<string, string> {
  const signature = headers["webhook-signature"] ?? "";
  // Whole groups of base64: what is left is still well formed.
  return { ...headers, "webhook-signature": signature.slice(0, 3 + 20) };
}

function without(name: string, headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}
