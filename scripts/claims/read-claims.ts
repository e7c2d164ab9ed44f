import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface Claim {
  id: string;
  claim: string;
  /** From the root of the tree: a file of tests, or a suite that files of tests run. */
  file: string;
  /** Titles of tests, or parts of them. Each must be proven. */
  titles: string[];
}

const ROW = /^\| ([A-Z]+-\d+) \| (.+) \| `([^`]+)` › (.+) \|$/;

/** The table of SECURITY.md. A row that cannot be read is a claim without a title, which nothing proves. */
export function claimsOf(markdown: string): Claim[] {
  const rows = markdown.split("\n").filter((line) => /^\| [A-Z]+-\d+ \|/.test(line));
  return rows.map((row) => {
    const [, id = "", claim = "", path = "", titles = ""] = ROW.exec(row) ?? [];
    const file = /^(scripts|infra)\//.test(path) ? path : join("packages", path);
    return { id: id || row, claim, file, titles: titles === "" ? [] : titles.split("; ") };
  });
}

export function readClaims(): Claim[] {
  return claimsOf(readFileSync(join(ROOT, "SECURITY.md"), "utf8"));
}

/** Claims that `source` names in titles of tests: `test("… [KEY-1]", …)`. */
export function claimsNamedIn(source: string): string[] {
  const titles = source.matchAll(/\b(?:test|it|describe)\b[^"'`\n]*["'`]([^\n]*)/g);
  return [...titles].flatMap(([, title = ""]) =>
    [...title.matchAll(/\[([A-Z]+-\d+)\]/g)].map(([, id = ""]) => id),
  );
}

export function testFiles(): string[] {
  const packages = ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.ts"];
  const everywhere = [...packages, "scripts/**/*.test.ts", "infra/test/*.test.ts"];
  return globSync(everywhere, { cwd: ROOT, exclude: (name) => name === "node_modules" });
}

/** The files of tests that run `claim`'s: itself, or those that import its suite. */
export function filesThatProve({ file }: Claim, files: readonly string[]): string[] {
  if (file.endsWith(".test.ts")) return [file];
  const suite = file.split("/").at(-1) ?? file;
  return files.filter(
    (path) => path.endsWith(".test.ts") && readFileSync(join(ROOT, path), "utf8").includes(`/${suite}"`),
  );
}
