import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Value } from "./figure.ts";

const BASELINE = fileURLToPath(new URL("../baseline.json", import.meta.url));
const PERFORMANCE = fileURLToPath(new URL("../../../docs/performance.md", import.meta.url));

/** Between two runs of the same code on the same machine figures differ by less. */
const TOLERANCE = 1.25;

/** The table of docs/performance.md stands between these. */
const [BEGIN, END] = ["<!-- baseline -->", "<!-- /baseline -->"];

export type Figures = Readonly<Record<string, Value>>;

const baselineSchema = z.object({
  date: z.string(),
  machine: z.object({ cores: z.int(), cpu: z.string(), node: z.string() }),
  figures: z.record(z.string(), z.number()),
});
export type Baseline = z.output<typeof baselineSchema>;

export interface Comparison {
  baseline: number;
  now: number;
  /** How many times as good as the baseline. */
  better: number;
  isWorse: boolean;
}

/** @throws Error when none was written yet, ZodError for what is none. */
export async function readBaseline(file = BASELINE): Promise<Baseline> {
  return baselineSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

/** Writes the figures, and the table that is made of them. */
export async function writeBaseline(
  { figures, ...run }: Omit<Baseline, "figures"> & { figures: Figures; details: unknown },
  places = { baseline: BASELINE, document: PERFORMANCE },
): Promise<void> {
  const values = Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, value]));
  const document = await readFile(places.document, "utf8");
  await writeFile(places.document, withTable(document, baselineTable({ ...run, figures })));
  await writeFile(places.baseline, `${JSON.stringify({ ...run, figures: values }, null, 2)}\n`);
}

/** Those figures that both runs have. */
export function comparedWith({ figures: before }: Baseline, figures: Figures): Record<string, Comparison> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, { value: now, moreIsBetter = false }]) => {
      const baseline = before[name];
      if (baseline === undefined) return [];
      const better = moreIsBetter ? now / baseline : baseline / now;
      return [[name, { baseline, now, better, isWorse: better * TOLERANCE < 1 }]];
    }),
  );
}

function baselineTable({ date, machine, figures }: Omit<Baseline, "figures"> & { figures: Figures }): string {
  const rows = Object.entries(figures).map(([name, { value, goal, moreIsBetter = false }]) => {
    const isMissed = goal !== undefined && (moreIsBetter ? value < goal : value > goal);
    const told = goal === undefined ? "" : `${moreIsBetter ? "≥" : "≤"} ${goal}`;
    return `| \`${name}\` | ${isMissed ? `**${value}**` : value} | ${told} |`;
  });
  const seenOn = `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${date}: \`npm run -s bench -- --write-baseline\`. In bold: misses its goal.`;
  return [seenOn, "", "| figure | seen | goal |", "|---|---|---|", ...rows].join("\n");
}

/** @throws Error for a document without its marks. */
function withTable(document: string, table: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`the document has no place for the baseline: ${BEGIN} ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`;
}
