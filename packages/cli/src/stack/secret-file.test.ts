import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepSecret, readSecret, writeSecret } from "./secret-file.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-secret-"));
  path = join(directory, "secret");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test("a secret is readable by its owner alone, even where an open file stood, and nothing else is left", async () => {
  await writeFile(path, "old", { mode: 0o644 });
  await writeSecret(path, "new");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readSecret(path)).toBe("new");
  expect(await readdir(directory)).toEqual(["secret"]);
});

test("a secret is made once and kept", async () => {
  expect(await keepSecret(path, () => "first")).toBe("first");
  expect(await keepSecret(path, () => "second")).toBe("first");
});

test("a file that isn't there holds no secret", async () => {
  expect(await readSecret(path)).toBeNull();
});
