import * as z from "zod";
import { line } from "./result-line.ts";

const probabilities = z.record(z.string(), z.number());

const tagged = z.object({ scores: probabilities });

const mood = z.object({
  heads: z.record(z.string(), probabilities),
  tags: z.object({ strict: z.array(z.string()), regular: z.array(z.string()) }),
});

const embedding = z.object({ space: z.string(), vector: z.array(z.number()) });

const noteEvents = z.object({ notes: z.array(z.object({ pitch: z.number() })) });

const MOST_TAGS = 5;

/** The tags that fit best, with their scores. */
export function describeTags(result: unknown): string[] {
  const best = bestFirst(tagged.parse(result).scores).slice(0, MOST_TAGS);
  return [line("tags", best.map(scored).join(", "))];
}

/** The tags of two tiers, and of each head the class that it is surer of. */
export function describeMood(result: unknown): string[] {
  const { heads, tags } = mood.parse(result);
  return [
    line("mood, strict", listed(tags.strict)),
    line("mood, regular", listed(tags.regular)),
    ...Object.entries(heads).map(([head, classes]) =>
      line(head, bestFirst(classes).slice(0, 1).map(scored).join("")),
    ),
  ];
}

export function describeEmbedding(result: unknown): string[] {
  const { space, vector } = embedding.parse(result);
  return [line("embedding", `${vector.length} dimensions in ${space}`)];
}

/** How many notes, and from which key to which as MIDI numbers them. */
export function describeNotes(result: unknown): string[] {
  const pitches = noteEvents.parse(result).notes.map(({ pitch }) => pitch);
  if (pitches.length === 0) return [line("notes", "none")];
  const [lowest, highest] = [
    pitches.reduce((a, b) => Math.min(a, b)),
    pitches.reduce((a, b) => Math.max(a, b)),
  ];
  return [line("notes", `${pitches.length}, MIDI ${lowest} to ${highest}`)];
}

type Score = [name: string, value: number];

function bestFirst(scores: Readonly<Record<string, number>>): Score[] {
  return Object.entries(scores).toSorted(([, a], [, b]) => b - a);
}

function scored([name, value]: Score): string {
  return `${name} ${value.toFixed(2)}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
