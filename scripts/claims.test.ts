import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const ROW = /^\| ([A-Z]+-\d+) \| (.+) \| `([^`]+)` › (.+) \|$/;

interface Claim {
  id: string;
  file: string;
  /** Titles of tests, or parts of them. */
  titles: string[];
}

function claimsOf(markdown: string): Claim[] {
  const rows = markdown.split("\n").filter((line) => /^\| [A-Z]+-\d+ \|/.test(line));
  return rows.map((row) => {
    const [, id = "", , path = "", titles = ""] = ROW.exec(row) ?? [];
    const file = path.startsWith("scripts/") ? path : join("packages", path);
    return { id: id || row, file, titles: titles.split("; ") };
  });
}

/** Whether a string on a line of its own, or in a call, holds the title: that is how tests are named. */
function names(source: string, title: string): boolean {
  return source
    .split("\n")
    .some((line) => line.includes(title) && /["`]/.test(line.slice(0, line.indexOf(title))));
}

const CLAIMS = claimsOf(readFileSync(join(ROOT, "SECURITY.md"), "utf8"));

test("SECURITY.md has claims, and each its own id", () => {
  expect(CLAIMS.length).toBeGreaterThan(20);
  expect(new Set(CLAIMS.map(({ id }) => id)).size).toBe(CLAIMS.length);
});

test.each(CLAIMS)("$id names tests that exist", ({ file, titles }) => {
  expect(existsSync(join(ROOT, file)), file).toBe(true);
  const source = readFileSync(join(ROOT, file), "utf8");
  expect(titles.filter((title) => !names(source, title))).toEqual([]);
});
