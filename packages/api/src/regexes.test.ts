import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const ROOMS = ["packages/api/src/**/*.ts", "packages/shared/src/**/*.ts"];

/** A literal where an expression may begin: not a division, not a comment, not a path in a text. */
const LITERAL =
  /(?<=[=(,:[!&|?]\s*|return )\/(?![*/\s])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)(?=[\s.,;)\]])/g;

interface Pattern {
  file: string;
  source: string;
  flags: string;
}

function patternsOf(file: string): Pattern[] {
  return [...readFileSync(join(ROOT, file), "utf8").matchAll(LITERAL)].flatMap(
    ([, source = "", flags = ""]) => (isRegex(source, flags) ? [{ file, source, flags }] : []),
  );
}

function isRegex(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags) instanceof RegExp;
  } catch {
    return false;
  }
}

const PATTERNS = globSync(ROOMS, { cwd: ROOT })
  .filter((file) => !file.endsWith(".test.ts"))
  .flatMap(patternsOf);

/** Enough that what grows by powers of two would never end; what grows by squares still does. */
const PUMPED_LENGTH = 3_000;
const PATIENCE_MS = 2_000;
const COMMON = [..."a0 -./%=,;:_\\\"'\t+@[]{}()", "ab", "a0", "a.", " ;", "é", "ab-"];

/** Texts that the pattern almost matches: parts of what it matches, over and over, with a wrong end. */
function attacks({ source, flags }: Pattern): string[] {
  const heads = samplesOf(source, flags);
  const parts = heads.flatMap((head) =>
    Array.from({ length: Math.min(head.length, 12) }, (_, at) =>
      [1, 2, 3].map((length) => head.slice(at, at + length)),
    ).flat(),
  );
  const pumps = [...new Set([...COMMON, ...parts])].filter((pump) => pump !== "");
  return pumps.flatMap((pump) => {
    const pumped = pump.repeat(Math.ceil(PUMPED_LENGTH / pump.length));
    return [`${pumped}\u0000`, `${heads[0] ?? ""}${pumped}!`];
  });
}

function samplesOf(source: string, flags: string): string[] {
  try {
    const plain = new RegExp(source, flags.replaceAll(/[^suvi]/g, "").replace("i", ""));
    return fc.sample(fc.stringMatching(plain), { seed: 11, numRuns: 6 });
  } catch {
    // It looks behind, or ahead: the common parts must do.
    return [];
  }
}

/** Whether every attack is answered in time. The clock of vm stops a pattern in the midst of its backtracking. */
function endsInTime(pattern: Pattern): boolean {
  const { source, flags } = pattern;
  try {
    runInNewContext(
      "for (const text of texts) new RegExp(source, flags).test(text)",
      { texts: attacks(pattern), source, flags },
      { timeout: PATIENCE_MS },
    );
    return true;
  } catch {
    return false;
  }
}

test("the patterns of the API and of what it shares are found", () => {
  expect(PATTERNS.length).toBeGreaterThan(60);
});

test("a pattern that backtracks without end is told", () => {
  expect(endsInTime({ file: "", source: "^(a+)+$", flags: "" })).toBe(false);
  expect(endsInTime({ file: "", source: "^(\\w+\\s?)*$", flags: "" })).toBe(false);
});

test("no text makes a pattern backtrack without end", () => {
  const endless = PATTERNS.filter((pattern) => !endsInTime(pattern));
  expect(endless.map(({ file, source }) => `${file}: /${source}/`)).toEqual([]);
}, 600_000);
