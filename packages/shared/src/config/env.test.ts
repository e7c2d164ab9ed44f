import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { ConfigError } from "./config-error.ts";
import { flag, loopback, parseEnv, wholeNumber } from "./env.ts";

// Not in /tmp, which is a tmpfs on some machines: there others may read a secret.
const ROOT = join(import.meta.dirname, "../../../../node_modules/.earshot-test-env-");

let directory: string;
beforeAll(async () => (directory = await mkdtemp(ROOT)));
afterAll(() => rm(directory, { recursive: true, force: true }));

async function secretFile(content: string, mode: number): Promise<string> {
  const file = join(directory, `secret-${mode}`);
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

const SHAPE = { SEAL_KEYS: z.string() };

test("variables are read without their prefix, and an empty one is none", () => {
  const shape = { PORT: wholeNumber(1, 65_535).default(8787), HOME: z.string().default("here") };
  expect(parseEnv({ EARSHOT_PORT: "99", EARSHOT_HOME: "" }, shape)).toEqual({ PORT: 99, HOME: "here" });
});

test("every variable at fault is named, and no value is told", () => {
  const shape = { PORT: wholeNumber(1, 9), URL: z.url() };
  const read = () => parseEnv({ EARSHOT_PORT: "hunter2", EARSHOT_URL: "hunter2" }, shape);
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(/EARSHOT_PORT: .*EARSHOT_URL: /);
  expect(read).not.toThrow(/hunter2/);
});

describe("a secret", () => {
  test("comes from its file, which wins over the variable", async () => {
    const file = await secretFile("from the file\n", 0o600);
    const env = { EARSHOT_SEAL_KEYS: "from the variable", EARSHOT_SEAL_KEYS_FILE: file };
    expect(parseEnv(env, SHAPE, ["SEAL_KEYS"])).toEqual({ SEAL_KEYS: "from the file" });
  });

  test.each([0o604, 0o620, 0o602, 0o644, 0o666])("in a file of mode %o is refused", async (mode) => {
    const file = await secretFile("secret", mode);
    expect(() => parseEnv({ EARSHOT_SEAL_KEYS_FILE: file }, SHAPE, ["SEAL_KEYS"])).toThrow(
      /is open to others/,
    );
  });

  test("in a file that is not there is an error that names the variable", () => {
    const env = { EARSHOT_SEAL_KEYS_FILE: join(directory, "none") };
    expect(() => parseEnv(env, SHAPE, ["SEAL_KEYS"])).toThrow(/EARSHOT_SEAL_KEYS_FILE: .* is not a file/);
  });

  test("that is no secret is not read from a file", async () => {
    const env = { EARSHOT_SEAL_KEYS_FILE: await secretFile("x", 0o600) };
    expect(() => parseEnv(env, SHAPE)).toThrow(ConfigError);
  });
});

test.each([
  ["1", true],
  ["true", true],
  ["0", false],
  [undefined, false],
])("the flag %s is %s", (value, expected) => expect(flag.parse(value)).toBe(expected));

test.each([
  ["1", true],
  ["0", false],
  [undefined, false],
  ["4567", { port: 4567 }],
])("loopback opened with %s is %j", (value, expected) => expect(loopback.parse(value)).toEqual(expected));

test.each(["yes", "-1", "123456", "08"])("loopback opened with %s is refused", (value) => {
  expect(loopback.safeParse(value).success).toBe(false);
});
