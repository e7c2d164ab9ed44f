import { describe, expect, test } from "vitest";
import * as z from "zod";
import { newAuditKey } from "../crypto/audit-keys.ts";
import { toBase64 } from "../crypto/bytes.ts";
import { newResultKey } from "../crypto/result-keys.ts";
import { newSealKey } from "../crypto/seal.ts";
import { ConfigError } from "./config-error.ts";
import { loopback, parseEnv } from "./env.ts";
import { isProduction, weaknessOf } from "./production.ts";

const REMOTE = "postgres://earshot_api:c5kV0w2kq9Zr1mXb@db.example.net/earshot?sslmode=verify-full";

test("a database on another machine is production, unless something else is said", () => {
  expect(isProduction({}, REMOTE)).toBe(true);
  expect(isProduction({}, "postgres://a:b@127.0.0.1/earshot")).toBe(false);
  expect(isProduction({ EARSHOT_ENV: "development" }, REMOTE)).toBe(false);
  expect(isProduction({ EARSHOT_ENV: "production" }, undefined)).toBe(true);
});

describe("production refuses", () => {
  const shape = {
    DATABASE_URL: z.string().optional(),
    SEAL_KEYS: z.string().optional(),
    AUDIT_KEY: z.string().optional(),
    BLOBS_CREDENTIALS: z.string().optional(),
    ALLOW_LOOPBACK: loopback,
  };
  const secrets = ["DATABASE_URL", "SEAL_KEYS", "AUDIT_KEY", "BLOBS_CREDENTIALS"] as const;
  const read =
    (env: Record<string, string>, ENV = "production") =>
    () =>
      parseEnv({ EARSHOT_ENV: ENV, EARSHOT_AUDIT_KEY: "x", ...env }, shape, secrets, ["AUDIT_KEY"]);

  test.for([
    ["no password", "DATABASE_URL", "postgres://earshot@db.example.net/e", "has no password"],
    ["a default password", "DATABASE_URL", "postgres://e:postgres@db.example.net/e", "is a default"],
    ["a short password", "DATABASE_URL", "postgres://e:x7f2k@db.example.net/e", "is shorter than 16"],
    ["a default of an image", "BLOBS_CREDENTIALS", "minioadmin:minioadmin", "is a default"],
    ["a key of zeros", "SEAL_KEYS", `k1:${toBase64(new Uint8Array(32))}`, "is not random"],
    ["a key of words", "SEAL_KEYS", `k1:${btoa("please change me, please change!")}`, "is a default"],
    [
      "a weak second key",
      "SEAL_KEYS",
      `${newSealKey("k2")},k1:${toBase64(new Uint8Array(32).fill(7))}`,
      "is not random",
    ],
    ["a missing key", "AUDIT_KEY", "", "is missing"],
    ["loopback as a target", "ALLOW_LOOPBACK", "1", "is for tests"],
  ] as const)("%s, by the variable's name and without its value", ([, name, value, reason]) => {
    const env = { [`EARSHOT_${name}`]: value };
    expect(read(env)).toThrow(ConfigError);
    expect(read(env)).toThrow(`EARSHOT_${name}: ${reason}`);
    if (value.length > 3) expect(read(env)).not.toThrow(value);
    expect(read(env, "development")).not.toThrow();
  });

  test("nothing of what our own commands make", async () => {
    expect(weaknessOf("SEAL_KEYS", newSealKey("k1"))).toBeNull();
    expect(weaknessOf("RESULT_KEYS", await newResultKey("r1"))).toBeNull();
    expect(weaknessOf("AUDIT_KEY", await newAuditKey())).toBeNull();
    expect(read({ EARSHOT_DATABASE_URL: REMOTE, EARSHOT_SEAL_KEYS: newSealKey("k1") })).not.toThrow();
  });
});
