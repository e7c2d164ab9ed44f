import { describe, expect, test } from "vitest";
import { toBase64 } from "./bytes.ts";
import { newSealKey, parseSealKeys, seal, unseal } from "./seal.ts";

const KEY = toBase64(new Uint8Array(32).fill(7));

describe("a sealed value", () => {
  const old = newSealKey("2025");
  const keys = parseSealKeys(old);

  test.each(["whsec_secret", "", "Zo\u00eb \ud83c\udfb5", "\ufeffa byte order mark", "x".repeat(100_000)])(
    "opens to what it was (%#)",
    async (plaintext) => {
      expect(await unseal(keys, await seal(keys, plaintext, "acc_1"), "acc_1")).toBe(plaintext);
    },
  );

  test("tells its version and its key, and is another each time", async () => {
    const [one, two] = [await seal(keys, "secret", "acc_1"), await seal(keys, "secret", "acc_1")];
    expect(one).toMatch(/^v1\.2025\.[\w-]{16}\.[\w-]+$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain("secret");
  });

  test("does not open in another place than its own", async () => {
    const sealed = await seal(keys, "secret", "acc_1");
    await expect(unseal(keys, sealed, "acc_2")).rejects.toThrow();
  });

  test("opens after a rotation, and what is sealed then is sealed by the new key", async () => {
    const sealed = await seal(keys, "secret", "acc_1");
    const rotated = parseSealKeys(`${newSealKey("2026")},${old}`);
    expect(await unseal(rotated, sealed, "acc_1")).toBe("secret");
    const resealed = await seal(rotated, "secret", "acc_1");
    await expect(unseal(keys, resealed, "acc_1")).rejects.toThrow("a key that is not configured");
  });

  test("does not open under another key of the same name", async () => {
    const sealed = await seal(keys, "secret", "acc_1");
    await expect(unseal(parseSealKeys(newSealKey("2025")), sealed, "acc_1")).rejects.toThrow();
  });

  test("does not open when one byte of any part was changed", async () => {
    const parts = (await seal(keys, "secret", "acc_1")).split(".");
    for (const index of [2, 3]) {
      const part = parts[index] ?? "";
      const changed = parts.with(index, (part.startsWith("A") ? "B" : "A") + part.slice(1)).join(".");
      await expect(unseal(keys, changed, "acc_1"), changed).rejects.toThrow();
    }
  });

  test("does not open with something behind it", async () => {
    const sealed = await seal(keys, "secret", "acc_1");
    await expect(unseal(keys, `${sealed}.AAAA`, "acc_1")).rejects.toThrow("not a sealed value");
  });

  test.each([
    "",
    "v1",
    "v1.2025",
    "v1.2025.a",
    "v1.2025..",
    "v2.2025.AAAA.AAAA",
    "v1.2025.AAAA.AAAA.AAAA",
    "plain text",
    "v1.2025.*.*",
  ])("is not %j", async (text) => {
    await expect(unseal(keys, text, "acc_1")).rejects.toThrow();
  });
});

describe("seal keys", () => {
  test("are read in order, with room around them, in either base64", () => {
    const keys = parseSealKeys(` new:${KEY} , ${newSealKey("old")}`);
    expect(keys.map(({ id, key }) => [id, key.length])).toEqual([
      ["new", 32],
      ["old", 32],
    ]);
  });

  test.each([
    "",
    ",",
    "a",
    "a:",
    `:${KEY}`,
    KEY,
    `a:${KEY},`,
    `A:${KEY}`,
    `a.b:${KEY}`,
    `a:${KEY}:${KEY}`,
    `a:${KEY},a:${KEY}`,
    `a:${toBase64(new Uint8Array(31))}`,
    `a:${toBase64(new Uint8Array(33))}`,
    "a:not base64",
    `${"a".repeat(33)}:${KEY}`,
  ])("%j are refused, and the message holds no key", (text) => {
    expect(() => parseSealKeys(text)).toThrow(TypeError);
    expect(() => parseSealKeys(text)).not.toThrow(KEY);
  });
});
