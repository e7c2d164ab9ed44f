import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { homeAt } from "@earshot/cli/stack/home";
import { comparedWith, readBaseline, writeBaseline } from "./baseline.ts";
import type { Figures } from "./baseline.ts";
import type { BenchContext, Figure, Measured } from "./figure.ts";
import { FIGURES } from "./figures.ts";
import { closeStacks } from "./stack.ts";
import { findModels } from "./models.ts";

/** Of one figure. */
const LIMIT_MS = 8 * 60_000;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    kernels: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    compare: { type: "boolean", default: false },
    "write-baseline": { type: "boolean", default: false },
  },
});

if (values["write-baseline"] && (values.quick || values.only.length > 0 || values.kernels)) {
  console.error("A baseline is of all figures: --write-baseline goes with no other choice.");
  process.exit(2);
}
if (values.kernels) await reportKernels();
else await reportFigures(chosen(values.only), values.quick);

async function reportKernels(): Promise<void> {
  const { runKernels } = await import("./kernels.ts");
  print({ kernels: await runKernels() });
}

function chosen(names: readonly string[]): Figure[] {
  const unknown = names.find((name) => !FIGURES.some((figure) => figure.name === name));
  if (unknown !== undefined) {
    console.error(`There is no figure ${unknown}, only ${FIGURES.map(({ name }) => name).join(", ")}.`);
    process.exit(2);
  }
  return FIGURES.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function reportFigures(wanted: readonly Figure[], quick: boolean): Promise<void> {
  const baseline = values.compare ? await readBaseline() : null;
  const directory = await mkdtemp(join(tmpdir(), "earshot-bench-"));
  const models = await findModels(process.env["EARSHOT_MODELS_DIR"]);
  const say = (text: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
  say(`everything is in ${directory}`);
  let isStopping = false;
  const stop = async () => {
    // One Ctrl-C comes twice, from the terminal and from npm.
    if (isStopping) return;
    isStopping = true;
    await closeStacks();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const context = { home: homeAt(directory), models, searchPath: process.env["PATH"] ?? "", quick, say };
  const measured: Record<string, Measured> = {};
  try {
    for (const figure of wanted) measured[figure.name] = await measureOne(figure, context);
  } finally {
    await closeStacks();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
  const figures: Figures = Object.assign({}, ...Object.values(measured).map((one) => one.figures));
  const details = Object.fromEntries(Object.entries(measured).map(([name, one]) => [name, one.details]));
  const goals = Object.entries(figures).flatMap(([name, { goal }]) =>
    goal === undefined ? [] : [[name, goal]],
  );
  const comparison = baseline && comparedWith(baseline, figures);
  if (Object.values(comparison ?? {}).some(({ isWorse }) => isWorse)) process.exitCode = 1;
  // One that lacks a figure would be a worse one.
  if (values["write-baseline"] && process.exitCode === undefined)
    await writeBaseline({ ...thisRun(), figures, details });
  print({
    models: models.described,
    quick,
    ...Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, value])),
    goals: Object.fromEntries(goals),
    ...(comparison !== null && { comparison }),
    details,
  });
}

/** One that can't be measured here does not cost the others. */
async function measureOne({ name, measure }: Figure, context: BenchContext): Promise<Measured> {
  context.say(name);
  const found = await withinLimit(measure(context)).catch((error: unknown) => {
    process.exitCode = 1;
    context.say(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    return { figures: {}, details: { failed: String(error) } };
  });
  context.say(JSON.stringify(found));
  return found;
}

/** What hangs is given up; what it has opened is closed at the end. */
async function withinLimit(work: Promise<Measured>): Promise<Measured> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done after ${LIMIT_MS / 60_000} minutes`)), LIMIT_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

function thisRun() {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "unknown",
    node: process.version,
  };
  return { date: new Date().toISOString().slice(0, 10), machine };
}

function print(report: object): void {
  const text = JSON.stringify({ ...thisRun(), ...report }, null, 2);
  // A figure that failed half way may have left something open that would hold this process.
  process.stdout.write(`${text}\n`, () => process.exit());
}
