import { open } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { parseCondition } from "../library/conditions.ts";
import type { Condition } from "../library/conditions.ts";
import { Journal } from "../library/journal.ts";
import { readRows } from "../library/read-rows.ts";
import { FORMATS } from "../library/formats.ts";
import type { Format } from "../library/formats.ts";
import { usageError } from "./command-error.ts";
import { readWhere } from "./connection.ts";
import { requireDirectory } from "./require-directory.ts";
import type { Terminal } from "./terminal.ts";

interface ExportOptions {
  format: Format;
  where?: string[];
  out?: string;
}

const EXAMPLES = `
Examples:
  earshot export ~/Music --format csv > library.csv
  earshot export ~/Music --format m3u --where 'moods=happy' --where 'tempo_bpm>=120' --out happy.m3u8
  earshot export ~/Music --format json --where 'tags.rock>0.3'

Fields are the columns of the CSV, and tags.NAME for the score of each of the fifty tags. All conditions must hold; a file
that lacks a field does not fulfil one on it.`;

/** `earshot export`: what a scan has found, as a table, as JSON or as a playlist. */
export function addExport(program: Command, terminal: Terminal): void {
  program
    .command("export")
    .description("Write what `earshot scan` has found in a library as CSV, JSON or a playlist")
    .argument("<directory>", "where the library is")
    .addOption(new Option("--format <format>", "how").choices(Object.keys(FORMATS)).default("csv"))
    .option("--where <condition>", "only files that fulfil it; may be given several times", collected)
    .option("--out <file>", "where to (default: stdout); a playlist's paths are relative to it")
    .addHelpText("after", EXAMPLES)
    .action((directory: string, options: ExportOptions) => exportLibrary(directory, options, terminal));
}

async function exportLibrary(root: string, options: ExportOptions, terminal: Terminal): Promise<void> {
  const conditions = (options.where ?? []).map(readCondition);
  await requireDirectory(root);
  const journal = await Journal.open(readWhere({}, terminal.env).home, root);
  await using file = options.out === undefined ? null : await open(options.out, "w");
  const print = async (line: string) => (file ? file.appendFile(`${line}\n`) : terminal.out(line));
  const from = options.out === undefined ? process.cwd() : dirname(resolve(options.out));
  const { head, lines } = FORMATS[options.format];
  const counts = { all: 0, chosen: 0, changed: 0 };
  for (const line of head) await print(line);
  for await (const row of readRows(root, journal, () => void (counts.changed += 1))) {
    counts.all += 1;
    if (!conditions.every((holds) => holds(row.fields))) continue;
    counts.chosen += 1;
    const path = options.format === "m3u" ? relative(from, resolve(root, row.path)) : row.path;
    for (const line of lines({ ...row, path })) await print(line);
  }
  const left = counts.changed === 0 ? "" : `; ${counts.changed} have changed since the scan and are left out`;
  terminal.err(`${counts.chosen} of ${counts.all} files${left}`);
}

function collected(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function readCondition(text: string): Condition {
  const condition = parseCondition(text);
  if (condition !== null) return condition;
  throw usageError(
    `--where '${text}' is no condition. One is tempo_bpm>=120, key=A, moods=happy or tags.rock>0.3.`,
    { where: text },
  );
}
