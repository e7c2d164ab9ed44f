import { relative } from "node:path";
import type { Claim } from "./read-claims.ts";
import { ROOT } from "./read-claims.ts";

/** What vitest's JSON reporter writes, as far as it is read here. */
export interface TestReport {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
}

export interface Verdict {
  claims: number;
  proven: number;
  unproven: { id: string; claim: string; reasons: string[] }[];
}

/**
 * A claim is proven when each title that it names was run and passed, wherever it was run. Tests that name a claim which
 * SECURITY.md doesn't have are told as unproven claims, too.
 * @param provenBy the files of tests that run a claim's proof
 * @param named claims that tests name, with the file that does
 */
export function proveClaims(
  report: TestReport,
  claims: readonly Claim[],
  provenBy: (claim: Claim) => readonly string[],
  named: readonly { id: string; file: string }[],
): Verdict {
  const judged = claims.map((claim) => ({
    ...claim,
    reasons: reasonsAgainst(report, claim, provenBy(claim)),
  }));
  const known = new Set(claims.map(({ id }) => id));
  const strangers = named
    .filter(({ id }) => !known.has(id))
    .map(({ id, file }) => ({
      id,
      claim: "",
      reasons: [`${file} names a claim that SECURITY.md does not have`],
    }));
  const unproven = judged
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ id, claim, reasons }) => ({ id, claim, reasons }));
  return {
    claims: claims.length,
    proven: claims.length - unproven.length,
    unproven: [...unproven, ...strangers],
  };
}

function reasonsAgainst(report: TestReport, claim: Claim, files: readonly string[]): string[] {
  if (claim.titles.length === 0) return ["the row names no test"];
  const tests = report.testResults
    .filter(({ name }) => files.includes(relative(ROOT, name)))
    .flatMap(({ assertionResults }) => assertionResults);
  return claim.titles.flatMap((title) => {
    const named = tests.filter(({ fullName }) => fullName.includes(title));
    const failed = named.filter(({ status }) => status === "failed");
    if (failed.length > 0) return failed.map(({ fullName }) => `failed: ${fullName}`);
    if (named.some(({ status }) => status === "passed")) return [];
    return [named.length > 0 ? `skipped: ${title}` : `no test of this name was run: ${title}`];
  });
}
