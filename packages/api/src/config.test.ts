import { expect, test } from "vitest";
import { newSealKey } from "@earshot/shared/crypto/seal";
import { readConfig } from "./config.ts";

const ENV = {
  EARSHOT_DATABASE_URL: "postgres://earshot_api:hunter2@127.0.0.1:5432/earshot",
  EARSHOT_QUEUE_URL: "http://127.0.0.1:4566/000000000000/jobs",
  EARSHOT_BLOBS: "file:///var/lib/earshot/blobs",
  EARSHOT_SEAL_KEYS: newSealKey("k1"),
  EARSHOT_URL_KEY: "A".repeat(44).replace(/.$/, "="),
};

test("what nobody set has a default, on loopback", () => {
  expect(readConfig(ENV)).toMatchObject({
    host: "127.0.0.1",
    port: 8787,
    publicUrl: "http://127.0.0.1:8787",
    allowLoopback: false,
    queue: { endpoint: undefined },
  });
  expect(readConfig({ ...ENV, EARSHOT_PORT: "9000" }).publicUrl).toBe("http://127.0.0.1:9000");
  expect(readConfig({ ...ENV, EARSHOT_PUBLIC_URL: "https://audio.example.com/" }).publicUrl).toBe(
    "https://audio.example.com",
  );
});

test("the key of upload URLs may have older ones behind it, in either alphabet of base64", () => {
  const [next, old] = [Buffer.alloc(32, 0xfe), Buffer.alloc(32, 0xff)];
  const text = `${next.toString("base64")},${old.toString("base64url")}`;
  expect(readConfig({ ...ENV, EARSHOT_URL_KEY: text }).urlKeys.map((key) => Buffer.from(key))).toEqual([
    next,
    old,
  ]);
});

test.for([
  ["EARSHOT_DATABASE_URL", undefined],
  ["EARSHOT_DATABASE_URL", "mysql://hunter2@127.0.0.1"],
  ["EARSHOT_BLOBS", "s3://bucket"],
  ["EARSHOT_SEAL_KEYS", "k1:hunter2"],
  ["EARSHOT_URL_KEY", "hunter2"],
  ["EARSHOT_URL_KEY", `${"A".repeat(43)}=,hunter2`],
  ["EARSHOT_PORT", "99999"],
  ["EARSHOT_PUBLIC_URL", "ftp://example.com"],
  ["EARSHOT_TRUSTED_PROXIES", "10.0.0.0/8,everybody"],
  ["EARSHOT_TRUSTED_PROXIES", "10.0.0.1/8"],
])("%s=%s is refused by name, and its value isn't told", ([name = "", value]) => {
  const read = () => readConfig({ ...ENV, [name]: value });
  expect(read).toThrow(name);
  expect(read).not.toThrow("hunter2");
});
