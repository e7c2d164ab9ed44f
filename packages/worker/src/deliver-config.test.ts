import { expect, test } from "vitest";
import { readDelivererConfig } from "./deliver-config.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const ENV = {
  EARSHOT_DATABASE_URL: "postgres://earshot_deliver:p@127.0.0.1/earshot",
  EARSHOT_SEAL_KEYS: `k1:${KEY}`,
  EARSHOT_BLOBS: "file:///tmp/blobs",
};

test("loopback is out of reach unless it is allowed", () => {
  expect(readDelivererConfig(ENV)).toMatchObject({ ALLOW_LOOPBACK: false, SEAL_KEYS: [{ id: "k1" }] });
  expect(readDelivererConfig({ ...ENV, EARSHOT_ALLOW_LOOPBACK: "1" }).ALLOW_LOOPBACK).toBe(true);
});

test("a seal key of the wrong form is refused by the variable's name, without its value", () => {
  const read = () => readDelivererConfig({ ...ENV, EARSHOT_SEAL_KEYS: "k1:sesame" });
  expect(read).toThrow(/EARSHOT_SEAL_KEYS/);
  expect(read).not.toThrow(/sesame/);
});

test("a deliverer on a bucket has its credentials, and does not start without them", () => {
  const env = { ...ENV, EARSHOT_BLOBS: "s3://bucket" };
  const config = readDelivererConfig({ ...env, EARSHOT_BLOBS_CREDENTIALS: "AKIA:secret" });
  expect(config.BLOBS_CREDENTIALS).toEqual({ accessKeyId: "AKIA", secretAccessKey: "secret" });
  expect(() => readDelivererConfig(env)).toThrow("EARSHOT_BLOBS_CREDENTIALS");
});
