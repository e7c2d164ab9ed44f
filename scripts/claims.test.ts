import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { proveClaims } from "./claims/prove-claims.ts";
import {
  claimsNamedIn,
  claimsOf,
  filesThatProve,
  readClaims,
  ROOT,
  testFiles,
} from "./claims/read-claims.ts";

/** Whether a string on a line of its own, or in a call, holds the title: that is how tests are named. */
function names(source: string, title: string): boolean {
  return source
    .split("\n")
    .some((line) => line.includes(title) && /["`]/.test(line.slice(0, line.indexOf(title))));
}

const CLAIMS = readClaims();
const FILES = testFiles();

test("SECURITY.md has claims, and each its own id", () => {
  expect(CLAIMS.length).toBeGreaterThan(20);
  expect(new Set(CLAIMS.map(({ id }) => id)).size).toBe(CLAIMS.length);
});

test.each(CLAIMS)("$id names tests that exist, in files that are run", (claim) => {
  expect(existsSync(join(ROOT, claim.file)), claim.file).toBe(true);
  const source = readFileSync(join(ROOT, claim.file), "utf8");
  expect(claim.titles).not.toEqual([]);
  expect(claim.titles.filter((title) => !names(source, title))).toEqual([]);
  expect(filesThatProve(claim, FILES)).not.toEqual([]);
});

test("every claim that a test names is in the table", () => {
  const known = new Set(CLAIMS.map(({ id }) => id));
  const strangers = FILES.filter((file) => !file.startsWith("scripts/")).flatMap((file) =>
    claimsNamedIn(readFileSync(join(ROOT, file), "utf8")).filter((id) => !known.has(id)),
  );
  expect(strangers).toEqual([]);
});

describe("the verdict on", () => {
  const claims = claimsOf("| KEY-1 | Keys are hashed | `a.test.ts` › is a hash; tells nothing |");
  const run = (...tests: [fullName: string, status: string][]) => ({
    testResults: [
      {
        name: join(ROOT, "packages/a.test.ts"),
        assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
      },
    ],
  });
  const verdict = (report: ReturnType<typeof run>, named: { id: string; file: string }[] = []) =>
    proveClaims(report, claims, ({ file }) => [file], named);
  const passed: [string, string][] = [
    ["a key is a hash", "passed"],
    ["a key tells nothing", "passed"],
  ];

  test("a claim whose tests passed: proven", () => {
    expect(verdict(run(...passed))).toEqual({ claims: 1, proven: 1, unproven: [] });
  });

  test.for<[string, ReturnType<typeof run>]>([
    ["a test that failed", run(passed[0] ?? ["", ""], ["a key tells nothing", "failed"])],
    ["a test that failed once among several", run(...passed, ["another key tells nothing", "failed"])],
    ["a test that was skipped", run(passed[0] ?? ["", ""], ["a key tells nothing", "skipped"])],
    ["a test that was not run", run(passed[0] ?? ["", ""])],
    [
      "a test of another file",
      { testResults: [{ ...run(...passed).testResults[0], name: "/b.test.ts" }] as never },
    ],
  ])("a claim with %s: not proven", ([, report]) => {
    expect(verdict(report)).toMatchObject({ claims: 1, proven: 0, unproven: [{ id: "KEY-1" }] });
  });

  test("a test that names a claim which isn't there: told", () => {
    const named = claimsNamedIn(`test("does much [${"NO-1"}]", () => {});`).map((id) => ({
      id,
      file: "a.test.ts",
    }));
    expect(verdict(run(...passed), named)).toMatchObject({ proven: 1, unproven: [{ id: "NO-1" }] });
  });

  test("a row that cannot be read: not proven", () => {
    const odd = claimsOf("| KEY-1 | Keys are hashed | somewhere |");
    expect(proveClaims(run(...passed), odd, () => [], []).unproven).toHaveLength(1);
  });
});

test("the command ends with status 1, and JSON alone on stdout, while a claim is not proven", () => {
  const report = join(mkdtempSync(join(tmpdir(), "earshot-claims-test-")), "report.json");
  writeFileSync(report, JSON.stringify({ testResults: [] }));
  const main = join(ROOT, "scripts/claims.main.ts");
  const { status, stdout } = spawnSync(process.execPath, [main, "--json", "--results", report], {
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ claims: CLAIMS.length, proven: 0 });
});
