import type { Home } from "@earshot/cli/stack/home";
import type { BenchModels } from "./models.ts";

/** What a figure may use. */
export interface BenchContext {
  /** Of this run, removed at its end. */
  home: Home;
  models: BenchModels;
  /** The shape of PATH. */
  searchPath: string;
  /** A tenth of the work and one round: to see that everything runs, not to measure. */
  quick: boolean;
  /** Tells a person what is going on. */
  say(text: string): void;
}

export interface Value {
  value: number;
  /** Where more is better the least, otherwise the most. */
  goal?: number;
  moreIsBetter?: true;
}

export interface Measured {
  /** By the name that it has in docs/performance.md. */
  figures: Readonly<Record<string, Value>>;
  /** What they were made of. */
  details: Readonly<Record<string, unknown>>;
}

export interface Figure {
  name: string;
  measure(context: BenchContext): Promise<Measured>;
}

/** How often something is measured. */
export function roundsOf({ quick }: Pick<BenchContext, "quick">, rounds: number): number {
  return quick ? 1 : rounds;
}
