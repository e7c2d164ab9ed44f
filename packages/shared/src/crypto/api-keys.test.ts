import { describe, expect, test } from "vitest";
import { apiKeyMatches, newApiKey, parseApiKey } from "./api-keys.ts";
import { sha256Hex } from "./bytes.ts";

describe("a new key", () => {
  test("comes apart into the prefix that finds it and the secret that proves it", async () => {
    const { key, prefix, secretHash } = await newApiKey();
    const parsed = parseApiKey(key);
    expect(parsed?.prefix).toBe(prefix);
    expect(await apiKeyMatches(parsed?.secret ?? "", secretHash)).toBe(true);
  });

  test("is kept as a hash that tells nothing of the secret", async () => {
    const { key, secretHash } = await newApiKey();
    expect(secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(secretHash).toBe(await sha256Hex(parseApiKey(key)?.secret ?? ""));
  });

  test("is like no other, in either part", async () => {
    const [one, two] = [await newApiKey(), await newApiKey()];
    expect(one.prefix).not.toBe(two.prefix);
    expect(one.secretHash).not.toBe(two.secretHash);
  });
});

describe("a secret", () => {
  test("that differs in one character does not match", async () => {
    const hash = await sha256Hex("secret");
    expect(await apiKeyMatches("secreT", hash)).toBe(false);
    expect(await apiKeyMatches("secret", hash)).toBe(true);
  });

  test("matches nothing where no key was found", async () => {
    expect(await apiKeyMatches("secret", null)).toBe(false);
  });
});

const PREFIX = "0123456789ab";
const SECRET = "A-_".padEnd(43, "z");

test("a secret may hold the character that parts the key", () => {
  expect(parseApiKey(`ek_${PREFIX}_${SECRET}`)).toEqual({ prefix: PREFIX, secret: SECRET });
});

test.each([
  "",
  "ek_",
  `${PREFIX}_${SECRET}`,
  `EK_${PREFIX}_${SECRET}`,
  `ek_${PREFIX}${SECRET}`,
  `ek_${PREFIX.slice(1)}_${SECRET}`,
  `ek_${PREFIX.toUpperCase()}_${SECRET}`,
  `ek_${PREFIX}_${SECRET.slice(1)}`,
  `ek_${PREFIX}_${SECRET}z`,
  `ek_${PREFIX}_${SECRET}\n`,
  `ek_${PREFIX}_${SECRET.replace("A", "+")}`,
])("%j is no key", (key) => {
  expect(parseApiKey(key)).toBeNull();
});
