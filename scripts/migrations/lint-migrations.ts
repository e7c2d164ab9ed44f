import { parse } from "libpg-query";
import { DANGERS } from "./dangers.ts";
import type { Danger } from "./dangers.ts";
import { dangersOf, isConcurrent, limitsLocks, madeBy } from "./dangers-of-statement.ts";
import type { Statement } from "./dangers-of-statement.ts";

export interface MigrationFile {
  name: string;
  text: string;
}

export interface Finding {
  file: string;
  line: number;
  danger: Danger;
  /** What to do instead. */
  advice: string;
}

interface Located {
  statement: Statement;
  line: number;
  /** What `-- allow NAME: reason` above it names. */
  allowed: string[];
}

/**
 * What in the migrations after the first `released` ones would lock, rewrite or break a database that is in use. Tables
 * that no release has are empty in every database that matters: whatever is done to them is safe.
 */
export async function lintMigrations(files: readonly MigrationFile[], released: number): Promise<Finding[]> {
  const read = await Promise.all(
    files.map(async (file) => ({ file, statements: await statementsOf(file.text) })),
  );
  const made = read
    .slice(0, released)
    .flatMap(({ statements }) => statements.map(({ statement }) => madeBy(statement)));
  const used = new Set(made);
  return read.slice(released).flatMap(({ file, statements }) =>
    lintFile(file.text, statements, used).map(({ line, danger }) => ({
      file: file.name,
      line,
      danger,
      advice: DANGERS[danger],
    })),
  );
}

function lintFile(text: string, located: Located[], used: ReadonlySet<string | undefined>) {
  const isTransaction = !/^-- no-transaction\s*(\n|$)/.test(text);
  let hasTimeout = false;
  return located.flatMap(({ statement, line, allowed }) => {
    hasTimeout = limitsLocks(statement) ?? hasTimeout;
    const found = new Set(dangersOf(statement, (table) => used.has(table)));
    if (hasTimeout) found.delete("waits-for-lock");
    if (used.size > 0 && statement.DoStmt !== undefined) found.add("hides-what-it-does");
    if (isTransaction && isConcurrent(statement)) found.add("concurrently-in-transaction");
    if (!isTransaction && located.length > 1) found.add("several-statements");
    return [...found].filter((danger) => !allowed.includes(danger)).map((danger) => ({ line, danger }));
  });
}

/** The parser counts in bytes. */
async function statementsOf(text: string): Promise<Located[]> {
  const bytes = Buffer.from(text);
  const { stmts = [] } = (await parse(text)) as { stmts?: RawStatement[] };
  let end = 0;
  return stmts.map(({ stmt, stmt_location = 0, stmt_len = bytes.length }) => {
    const above = bytes.subarray(end, stmt_location).toString();
    end = stmt_location + stmt_len;
    const line = bytes.subarray(0, stmt_location).toString().split("\n").length;
    return {
      statement: stmt,
      line,
      allowed: [...above.matchAll(/^-- allow ([a-z-]+): \S.*$/gm)].map(([, name = ""]) => name),
    };
  });
}

interface RawStatement {
  stmt: Statement;
  stmt_location?: number;
  stmt_len?: number;
}
