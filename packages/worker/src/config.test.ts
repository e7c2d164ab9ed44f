import { expect, test } from "vitest";
import { readWorkerConfig } from "./config.ts";

const ENV = {
  EARSHOT_DATABASE_URL: "postgres://earshot_worker:p@127.0.0.1/earshot",
  EARSHOT_QUEUE_URL: "http://127.0.0.1:4566/000000000000/jobs",
  EARSHOT_BLOBS: "s3://bucket",
};

test("a worker on a bucket has its credentials, and does not start without them", () => {
  const config = readWorkerConfig({ ...ENV, EARSHOT_BLOBS_CREDENTIALS: "AKIA:secret" });
  expect(config.BLOBS_CREDENTIALS).toEqual({ accessKeyId: "AKIA", secretAccessKey: "secret" });
  expect(() => readWorkerConfig(ENV)).toThrow("EARSHOT_BLOBS_CREDENTIALS");
});
