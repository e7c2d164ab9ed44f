import { mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt, makeHome } from "./home.ts";
import type { Home } from "./home.ts";
import { lastLineOf, logFileOf, openLogFile } from "./log-file.ts";

let directory: string;
let home: Home;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-log-"));
  home = homeAt(directory);
  await makeHome(home);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function append(text: string): Promise<void> {
  await using file = await openLogFile(home, "api");
  await file.appendFile(text);
}

test("a log goes on where it ended, until it has more than 10 MB", async () => {
  await append("one\n");
  await append("two\n");
  expect((await stat(logFileOf(home, "api"))).size).toBe(8);
  await truncate(logFileOf(home, "api"), 10 * 1024 ** 2 + 1);
  await append("three\n");
  expect((await readdir(home.logs)).toSorted()).toEqual(["api.log", "api.log.1"]);
  expect((await stat(logFileOf(home, "api"))).size).toBe(6);
});

test("the last words are the error of the last line, or that line", async () => {
  await writeFile(logFileOf(home, "api"), '{"event":"x","error":"Error: port taken"}\n');
  expect(await lastLineOf(home, "api")).toBe("Error: port taken");
  await append("plain words\n");
  expect(await lastLineOf(home, "api")).toBe("plain words");
});
