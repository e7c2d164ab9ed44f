import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assumeRole, boxPolicy, queueArnOf } from "./assume-role.ts";

const CREDENTIALS = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const ROLE = "arn:aws:iam::123456789012:role/earshot-box";

const asked: URLSearchParams[] = [];

/** Answers as STS does, to whoever signed what he sent. */
const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.url === "/away") return void response.writeHead(503).end("<html>");
  if (!isSigned(request, body)) {
    response
      .writeHead(403)
      .end("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>");
    return;
  }
  asked.push(new URLSearchParams(body));
  response.writeHead(200, { "content-type": "text/xml" })
    .end(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
      <AssumedRoleUser><AssumedRoleId>ARO123:box</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/x/box</Arn></AssumedRoleUser>
      <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret/+=</SecretAccessKey>
      <SessionToken>token//==</SessionToken><Expiration>2026-11-25T21:00:00Z</Expiration></Credentials>
      <PackedPolicySize>6</PackedPolicySize></AssumeRoleResult></AssumeRoleResponse>`);
});

let endpoint: string;
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => server.close());

const role = () => ({ arn: ROLE, credentials: CREDENTIALS, region: "eu-central-1", endpoint });
const QUEUE = { queueArn: "arn:aws:sqs:eu-central-1:123456789012:jobs", bucket: "audio" };

test("what STS lends is asked for by a signed request, and cut down to one queue and the bucket's own parts", async () => {
  const policy = boxPolicy(QUEUE);
  expect(await assumeRole(role(), { session: "box_01", seconds: 3600, policy })).toEqual({
    accessKeyId: "ASIAEXAMPLE",
    secretAccessKey: "secret/+=",
    sessionToken: "token//==",
    expiresAt: new Date("2026-11-25T21:00:00Z"),
  });
  const request = asked.at(-1);
  expect(Object.fromEntries(request ?? [])).toMatchObject({
    Action: "AssumeRole",
    RoleArn: ROLE,
    RoleSessionName: "box_01",
    DurationSeconds: "3600",
  });
  expect(JSON.parse(request?.get("Policy") ?? "")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
        Resource: "arn:aws:sqs:eu-central-1:123456789012:jobs",
      },
      { Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::audio/uploads/*" },
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
        Resource: "arn:aws:s3:::audio/results/*",
      },
    ],
  });
});

test("without a bucket on AWS it is the queue alone", () => {
  expect(boxPolicy({ ...QUEUE, bucket: null })).toMatchObject({ Statement: [{ Resource: QUEUE.queueArn }] });
});

test("a refusal tells STS's own code, and no secret", async () => {
  const wrong = { ...role(), credentials: { ...CREDENTIALS, secretAccessKey: "wrong-secret" } };
  const refused = assumeRole(wrong, { session: "box_01", seconds: 3600, policy: {} });
  await expect(refused).rejects.toThrow("STS refused: 403 SignatureDoesNotMatch");
});

test("an STS that is gone, or says that it can't now, is unavailable", async () => {
  const ask = (at: string) =>
    assumeRole({ ...role(), endpoint: at }, { session: "box_01", seconds: 3600, policy: {} });
  await expect(ask(`${endpoint}away`)).rejects.toMatchObject({ code: "unavailable" });
  await expect(ask("http://127.0.0.1:1/")).rejects.toMatchObject({ code: "unavailable" });
});

test("the queue's name at AWS is read from its URL", () => {
  expect(queueArnOf("https://sqs.eu-central-1.amazonaws.com/123456789012/earshot-jobs")).toEqual({
    arn: "arn:aws:sqs:eu-central-1:123456789012:earshot-jobs",
    region: "eu-central-1",
  });
  expect(() => queueArnOf("http://127.0.0.1:9324/000000000000/jobs")).toThrow(TypeError);
});

/** Signature V4 by its description, not by the library that signed: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function isSigned({ method, url, headers }: IncomingMessage, body: string): boolean {
  const [, date, region, service, names = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  const sha256 = (data: string) => createHash("sha256").update(data).digest("hex");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const lines = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = `${method}\n${url}\n\n${lines.join("")}\n${names}\n${sha256(body)}`;
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${String(headers["x-amz-date"])}\n${scope}\n${sha256(canonical)}`;
  const key = [date ?? "", region ?? "", service ?? "", "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${CREDENTIALS.secretAccessKey}`,
  );
  return region === "eu-central-1" && service === "sts" && hmac(key, toSign).toString("hex") === signature;
}
