import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBucket } from "./s3-bucket.ts";
import type { S3Bucket } from "./s3-bucket.ts";
import { beginMultipart, completeMultipart } from "./s3-multipart.ts";

/** The far side: answers what the test says, and remembers what it was sent. */
let server: Server;
let bucket: S3Bucket;
let answer = { status: 200, body: "" };
let received = "";
beforeAll(async () => {
  server = createServer(async (request, response) => {
    received = (await request.toArray()).join("");
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  const { port } = server.address() as AddressInfo;
  const location = { bucketUrl: `http://127.0.0.1:${port}/b`, region: "us-east-1" };
  bucket = openBucket(location, { accessKeyId: "A", secretAccessKey: "B" });
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const error = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;
const complete = () =>
  completeMultipart(bucket, "k", {
    multipartId: "m",
    parts: [
      { number: 2, etag: '"b"' },
      { number: 1, etag: "<a>&" },
    ],
  });

test("the parts are named in their order, and what a client says of them is escaped", async () => {
  answer = { status: 200, body: "<CompleteMultipartUploadResult/>" };
  await complete();
  expect(received).toBe(
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&lt;a&gt;&amp;</ETag></Part>" +
      "<Part><PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag></Part></CompleteMultipartUpload>",
  );
});

test.for([400, 404, 200])("parts that do not fit are a conflict, also under a %i", async (status) => {
  answer = { status, body: error("InvalidPart") };
  await expect(complete()).rejects.toMatchObject({ code: "conflict" });
});

test("any other error is none of the client's, and names the bucket's code alone", async () => {
  answer = { status: 200, body: error("InternalError") };
  await expect(complete()).rejects.toThrow(/200 InternalError$/);
  answer = { status: 403, body: error("AccessDenied") };
  await expect(beginMultipart(bucket, "k")).rejects.toThrow(/403 AccessDenied$/);
  answer = { status: 200, body: "" };
  await expect(beginMultipart(bucket, "k")).rejects.toThrow("no id");
});
