import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { proveClaims } from "./claims/prove-claims.ts";
import type { TestReport, Verdict } from "./claims/prove-claims.ts";
import { claimsNamedIn, filesThatProve, readClaims, ROOT, testFiles } from "./claims/read-claims.ts";

/**
 * Holds SECURITY.md against a run of the tests that it names. With `--results FILE` against a run that was: the report
 * that `npm test` writes. Status 1 when a claim has no passing test, or a test names a claim that isn't there.
 */
const { values: options } = parseArgs({
  options: { json: { type: "boolean", default: false }, results: { type: "string" } },
});

const claims = readClaims();
const files = testFiles();
const named = files.flatMap((file) =>
  claimsNamedIn(readFileSync(join(ROOT, file), "utf8")).map((id) => ({ id, file })),
);
const report = options.results === undefined ? await runTests() : readReport(options.results);
const verdict = proveClaims(report, claims, (claim) => filesThatProve(claim, files), named);
console.log(options.json ? JSON.stringify(verdict) : toText(verdict));
process.exitCode = verdict.unproven.length === 0 ? 0 : 1;

/** Runs the files that prove something, and no others. What it says goes to stderr: stdout is the verdict's. */
async function runTests(): Promise<TestReport> {
  const proving = [...new Set(claims.flatMap((claim) => filesThatProve(claim, files)))];
  const directory = mkdtempSync(join(tmpdir(), "earshot-claims-"));
  const output = join(directory, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const args = [
    "run",
    "--project",
    "fast",
    "--project",
    "edge",
    "--project",
    "infra",
    ...reporters,
    ...proving,
  ];
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  try {
    const child = spawn(process.execPath, [vitest, ...args], { cwd: ROOT, stdio: ["ignore", 2, 2] });
    await once(child, "exit");
    return readReport(output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(file: string): TestReport {
  return JSON.parse(readFileSync(file, "utf8")) as TestReport;
}

function toText({ claims, proven, unproven }: Verdict): string {
  const lines = unproven.map(({ id, claim, reasons }) => `${id} ${claim}\n  ${reasons.join("\n  ")}`);
  return [`${proven} of ${claims} claims are proven`, ...lines].join("\n");
}
