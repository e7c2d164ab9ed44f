import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newBoxKeyPair } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey } from "@earshot/shared/crypto/box-assertions";
import { newId } from "@earshot/shared/crypto/ids";
import { createLog } from "@earshot/shared/log";
import { until } from "@earshot/testkit/until";
import { openBoxAccess } from "./box-access.ts";

const TOKEN = {
  expires_in: 3600,
  database: { url: "postgres://earshot_box_x@db.example/earshot?sslmode=verify-full", password: "p0" },
  queue: { url: "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs", endpoint: null },
  blobs: "s3://audio",
  aws: { access_key_id: "ASIA0", secret_access_key: "s0", session_token: "t0" },
  result_seal_key: null,
};

type Answer = { status: number; body: object } | Promise<{ status: number; body: object }>;
let answers: Answer[] = [];
const assertions: string[] = [];
const server = createServer(async (request, response) => {
  assertions.push((JSON.parse(await text(request)) as { assertion: string }).assertion);
  const { status, body } = await (answers.shift() ?? { status: 200, body: TOKEN });
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});

let key: BoxKey;
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  key = { box_id: newId("box"), api, audience: "x", private_jwk: (await newBoxKeyPair()).privateJwk };
});
afterAll(() => server.close());
beforeEach(() => {
  answers = [];
  assertions.length = 0;
});

const log = createLog("test", () => {});
const open = () => openBoxAccess(key, { log, random: () => 0.5 });
const renewed = {
  ...TOKEN,
  database: { ...TOKEN.database, password: "p1" },
  aws: { ...TOKEN.aws, access_key_id: "ASIA1" },
};

test("credentials are renewed when half of their time is over, each time by another assertion", async () => {
  answers = [
    { status: 200, body: { ...TOKEN, expires_in: 0.2 } },
    { status: 200, body: renewed },
  ];
  await using access = await open();
  expect(await access.database.password()).toBe("p0");
  await until(() => assertions.length === 2, { describe: "the second exchange" });
  await until(async () => (await access.database.password()) === "p1", { describe: "the new password" });
  expect(access.awsCredentials?.()).toMatchObject({ accessKeyId: "ASIA1", sessionToken: "t0" });
  expect(await access.queue.credentials?.()).toMatchObject({
    accessKeyId: "ASIA1",
    expiration: expect.any(Date),
  });
  expect(new Set(assertions).size).toBe(2);
});

test("a new connection waits for a password that is under way: the one before is dead by then", async () => {
  let answer: (given: { status: number; body: object }) => void = () => {};
  answers = [{ status: 200, body: TOKEN }, new Promise((resolve) => (answer = resolve))];
  await using access = await open();
  access.doubt();
  await until(() => assertions.length === 2, { describe: "the second exchange" });
  const password = access.database.password();
  answer({ status: 200, body: renewed });
  expect(await password).toBe("p1");
});

test("a box that is refused was revoked, and asks no more", async () => {
  answers = [
    { status: 200, body: TOKEN },
    { status: 401, body: {} },
  ];
  await using access = await open();
  access.doubt();
  access.doubt();
  await until(() => access.revoked.aborted, { describe: "to be revoked" });
  expect(assertions).toHaveLength(2);
});

test("an API that fails leaves the box with what it has", async () => {
  answers = [
    { status: 200, body: TOKEN },
    { status: 500, body: {} },
  ];
  await using access = await open();
  access.doubt();
  await until(() => assertions.length === 2, { describe: "the second exchange" });
  expect(await access.database.password()).toBe("p0");
  expect(access.revoked.aborted).toBe(false);
});

test("a box that is refused from the start does not start", async () => {
  answers = [{ status: 401, body: {} }];
  await expect(open()).rejects.toThrow("lets this box in no more");
});
