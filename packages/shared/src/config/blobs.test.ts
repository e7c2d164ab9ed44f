import { expect, test } from "vitest";
import { BLOBS_SHAPE, requireBlobsCredentials } from "./blobs.ts";
import { parseEnv } from "./env.ts";

const read = (blobs: string, credentials?: string) =>
  requireBlobsCredentials(
    parseEnv({ EARSHOT_BLOBS: blobs, EARSHOT_BLOBS_CREDENTIALS: credentials }, BLOBS_SHAPE, [
      "BLOBS_CREDENTIALS",
    ]),
  );

test("a directory needs no credentials, a bucket does", () => {
  expect(read("file:///var/lib/earshot/blobs")).toBeNull();
  expect(read("s3://bucket", "AKIA:hunter2")).toEqual({ accessKeyId: "AKIA", secretAccessKey: "hunter2" });
  expect(() => read("s3://bucket")).toThrow("EARSHOT_BLOBS_CREDENTIALS");
});

test("what is no credentials, and no place for blobs, is refused by name, and its value isn't told", () => {
  const wrong = () => read("s3://bucket", "hunter2");
  expect(wrong).toThrow("EARSHOT_BLOBS_CREDENTIALS");
  expect(wrong).not.toThrow("hunter2");
  expect(() => read("ftp://bucket")).toThrow("EARSHOT_BLOBS");
});
