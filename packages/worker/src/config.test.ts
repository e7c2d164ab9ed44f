import { expect, test } from "vitest";
import { newBoxKeyPair } from "@earshot/shared/crypto/box-assertions";
import { newId } from "@earshot/shared/crypto/ids";
import { readWorkerConfig } from "./config.ts";
import { engineOptionsOf } from "./engine-config.ts";

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

test("a worker has all that it enters by, or the key of a box, by which it is told the rest", async () => {
  expect(() => readWorkerConfig({ EARSHOT_QUEUE_URL: ENV.EARSHOT_QUEUE_URL })).toThrow(
    "EARSHOT_DATABASE_URL, EARSHOT_BLOBS: is missing, and there is no EARSHOT_BOX_KEY_FILE",
  );
  const { privateJwk } = await newBoxKeyPair();
  const boxKey = {
    box_id: newId("box"),
    api: "https://earshot.example",
    audience: "https://earshot.example/v1/boxes/token",
    private_jwk: privateJwk,
  };
  const env = { EARSHOT_BOX_KEY: JSON.stringify(boxKey), EARSHOT_ENV: "production" };
  expect(readWorkerConfig(env).BOX_KEY).toEqual(boxKey);
  const broken = { EARSHOT_BOX_KEY: JSON.stringify({ ...boxKey, box_id: "box_1" }) };
  expect(() => readWorkerConfig(broken)).toThrow("EARSHOT_BOX_KEY: is not what earshot worker enrol wrote");
});

const LOCAL = { ...ENV, EARSHOT_BLOBS: "file:///var/earshot" };

test("an engine is told what its environment says, and the rest is the device's to choose", () => {
  const env = {
    ...LOCAL,
    EARSHOT_DEVICE: "cuda:1",
    EARSHOT_DEVICE_FALLBACK: "cpu",
    EARSHOT_BATCH: "16",
    EARSHOT_LANE_MEMORY_MB: "512",
    LD_LIBRARY_PATH: "/cuda",
  };
  expect(engineOptionsOf(readWorkerConfig(env), env)).toMatchObject({
    device: "cuda:1",
    fallback: "cpu",
    lanes: undefined,
    threads: 1,
    batch: { maxRows: 16 },
    recycle: { rssBytes: 512 * 1024 ** 2 },
    laneEnv: { LD_LIBRARY_PATH: "/cuda" },
  });
});

test.each([
  ["DEVICE", "gpu"],
  ["DEVICE_FALLBACK", "webgpu"],
  ["LANES", "0"],
  ["BATCH", "0"],
])("EARSHOT_%s=%s is refused", (name, value) => {
  expect(() => readWorkerConfig({ ...LOCAL, [`EARSHOT_${name}`]: value })).toThrow(`EARSHOT_${name}`);
});
