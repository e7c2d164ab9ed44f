import { expect, test } from "vitest";
import { newApiKey } from "./crypto/api-keys.ts";
import { newWebhookSecret } from "./crypto/webhook-signatures.ts";
import { createLog, describeError } from "./log.ts";
import { redact } from "./redact.ts";

const key = await newApiKey();

const PLANTED: readonly (readonly [string, string])[] = [
  ["an API key", key.key],
  ["a webhook secret", newWebhookSecret()],
  ["a JWT", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJrZXlfMSJ9.c2lnbmF0dXJl"],
  ["a header", "Bearer 9f8e7d6c5b4a39281706"],
  ["the password of a URL", "postgres://earshot_api:hunter2hunter2@db.example.net/earshot"],
  ["a signed query", "https://bucket.example.net/a?X-Amz-Signature=0123456789abcdef&X-Amz-Date=1"],
];

test.for(PLANTED)("%s is struck out of a line, wherever it stands in it", ([, secret]) => {
  const lines: string[] = [];
  const log = createLog("test", (line) => lines.push(line));
  log.info("event", { field: secret, deep: { list: [`before ${secret} after`] } });
  const cause = new Error(`connect failed: ${secret}`);
  log.error("failed", describeError(new Error("outer", { cause })));
  log.warn(secret);
  for (const line of lines) {
    expect(line).not.toContain(secret);
    expect(line).toContain("[redacted");
    JSON.parse(line);
  }
});

test("what tells which secret it was stays", () => {
  expect(redact(key.key)).toBe(`ek_${key.prefix}_[redacted]`);
  expect(redact("postgres://earshot_api:x@db/earshot")).toBe("postgres://earshot_api:[redacted]@db/earshot");
});

test("an ordinary line stays as it is", () => {
  const line =
    '{"event":"request","route":"/v1/jobs/:id","trace_id":"0af7651916cd43dd8448eb211c80319c","key_id":"key_1"}';
  expect(redact(line)).toBe(line);
});
