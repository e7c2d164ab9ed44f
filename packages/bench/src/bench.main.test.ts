import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execute = promisify(execFile);
const MAIN = fileURLToPath(new URL("./bench.main.ts", import.meta.url));

function bench(...args: string[]) {
  return execute(process.execPath, [MAIN, ...args], { env: { PATH: process.env["PATH"] } });
}

test(
  "stdout is one JSON object, stderr tells of progress, and nothing is left behind",
  { timeout: 180_000 },
  async () => {
    const { stdout, stderr } = await bench(
      "--quick",
      "--only",
      "queue.flatness",
      "--only",
      "submit.overhead",
    );
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({
      machine: { cores: expect.any(Number) },
      models: expect.stringContaining("Silero"),
      quick: true,
      "submit.overhead": expect.any(Number),
      "queue.flatness": expect.any(Number),
      goals: { "submit.overhead": 1.5, "queue.flatness": 1.5 },
      details: { "queue.flatness": { operations: { claim: { ratio: expect.any(Number) } } } },
    });
    expect(stderr).toContain("filling 1000 rows");
    const directory = /everything is in (\S+)/.exec(stderr)?.[1] ?? "/";
    expect(existsSync(directory)).toBe(false);
  },
);

test("a figure that there isn't is refused, and those that there are are named", async () => {
  await expect(bench("--only", "speed")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("queue.flatness"),
  });
});

test("a baseline is of all figures: one of a few is refused", async () => {
  await expect(bench("--only", "edge", "--write-baseline")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--write-baseline"),
  });
});
