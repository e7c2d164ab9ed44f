import { newSealKey } from "@earshot/shared/crypto/seal";
import { expect, test } from "vitest";
import { readEdgeConfig } from "./edge-config.ts";

const ENV = {
  EARSHOT_PUBLIC_URL: "https://earshot.example.com/",
  EARSHOT_QUEUE_URL: "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs",
  EARSHOT_QUEUE_REGION: "eu-central-1",
  EARSHOT_QUEUE_CREDENTIALS: "AKIDQUEUE:hunter2",
  EARSHOT_BLOBS: "s3://audio?region=eu-central-1",
  EARSHOT_BLOBS_CREDENTIALS: "AKIDBLOBS:hunter2",
  EARSHOT_SEAL_KEYS: newSealKey("k1"),
};

test("queue and bucket each have credentials of their own", () => {
  expect(readEdgeConfig(ENV)).toMatchObject({
    queue: { region: "eu-central-1", endpoint: undefined },
    queueCredentials: { accessKeyId: "AKIDQUEUE" },
    blobs: { bucketUrl: "https://audio.s3.eu-central-1.amazonaws.com" },
    blobsCredentials: { accessKeyId: "AKIDBLOBS" },
    allowLoopback: false,
    tokens: { issuer: "https://earshot.example.com", algorithm: "EdDSA" },
  });
});

test.for([
  ["EARSHOT_PUBLIC_URL", undefined],
  ["EARSHOT_TOKEN_ALGORITHM", "HS256"],
  ["EARSHOT_PASSWORDS", "1"],
  ["EARSHOT_OIDC_ISSUERS", '[{"issuer": "http://hunter2"}]'],
  ["EARSHOT_QUEUE_URL", undefined],
  ["EARSHOT_QUEUE_CREDENTIALS", "hunter2"],
  ["EARSHOT_BLOBS", "file:///hunter2"],
  ["EARSHOT_BLOBS_CREDENTIALS", undefined],
  ["EARSHOT_SEAL_KEYS", "k1:hunter2"],
])("%s=%s is refused by name, and its value isn't told", ([name = "", value]) => {
  const read = () => readEdgeConfig({ ...ENV, [name]: value });
  expect(read).toThrow(name);
  expect(read).not.toThrow("hunter2");
});
