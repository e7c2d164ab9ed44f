import * as z from "zod";
import type { TokenRules } from "../../inference/inference.ts";
import { Tokenizer } from "./tokenizer.ts";

const tokens = z.array(z.int().nonnegative());

/** As much of a published `generation_config.json` as is read. */
const published = z.object({
  /** By `<|code|>`. A model of English alone has none. */
  lang_to_id: z.record(z.string(), z.int().nonnegative()).default({}),
  no_timestamps_token_id: z.int().nonnegative(),
  max_initial_timestamp_index: z.int().positive().default(50),
  suppress_tokens: tokens.nullish(),
  begin_suppress_tokens: tokens.nullish(),
  /** The heads, [layer, head], whose attention follows the speech. */
  alignment_heads: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).default([]),
});

/** Whisper's context, and how much of it is the text of a window. */
const CONTEXT_TOKENS = 448;
const TEXT_TOKENS = 224;

/** What is known of a Whisper beside its weights: its tokens, and what it may say. */
export interface Checkpoint {
  tokenizer: Tokenizer;
  /** By ISO code. */
  languages: ReadonlyMap<string, number>;
  start: number;
  noSpeech: number;
  noTimestamps: number;
  /** The token of 0.00 s. */
  firstTime: number;
  rules: TokenRules;
  alignmentHeads: readonly (readonly [number, number])[];
}

/** @throws ZodError, or an Error that names the token that is not there. */
export function parseCheckpoint(tokenizerJson: unknown, generationConfig: unknown): Checkpoint {
  const tokenizer = new Tokenizer(tokenizerJson);
  const config = published.parse(generationConfig);
  const special = (...names: string[]) => specialOf(tokenizer, names);
  const languages = new Map(
    Object.entries(config.lang_to_id).map(([name, id]) => [name.replaceAll(/[<|>]/g, ""), id]),
  );
  const [start, noSpeech, end] = [
    special("<|startoftranscript|>"),
    special("<|nospeech|>", "<|nocaptions|>"),
    special("<|endoftext|>"),
  ];
  const noTimestamps = config.no_timestamps_token_id;
  const others = ["<|transcribe|>", "<|translate|>", "<|startoflm|>", "<|startofprev|>"].map((name) =>
    special(name),
  );
  return {
    tokenizer,
    languages,
    start,
    noSpeech,
    noTimestamps,
    firstTime: noTimestamps + 1,
    rules: {
      end,
      never: [
        ...(config.suppress_tokens ?? []),
        start,
        noSpeech,
        noTimestamps,
        ...others,
        ...languages.values(),
      ],
      notFirst: config.begin_suppress_tokens ?? [],
      timestamps: { first: noTimestamps + 1, maxInitial: config.max_initial_timestamp_index },
    },
    alignmentHeads: config.alignment_heads,
  };
}

export interface PromptOptions {
  /** ISO code. */
  language: string;
  task: "transcribe" | "translate";
  initial_prompt?: string | undefined;
}

/** What comes before the text of a window, and where in it the start of the transcript is. */
export function promptOf(checkpoint: Checkpoint, options: PromptOptions) {
  const { tokenizer, start } = checkpoint;
  const hint = options.initial_prompt?.trim() ?? "";
  // The end of a long one: that is next to what is said.
  const words = hint === "" ? [] : tokenizer.encode(` ${hint}`).slice(1 - TEXT_TOKENS);
  const before = words.length === 0 ? [] : [specialOf(tokenizer, ["<|startofprev|>"]), ...words];
  const prompt = [...before, start, ...taskTokens(checkpoint, options)];
  return {
    prompt,
    startPosition: before.length,
    maxTokens: Math.min(TEXT_TOKENS, CONTEXT_TOKENS - prompt.length),
  };
}

/** The language and the task, which a model of English alone is not told. */
export function taskTokens(
  { tokenizer, languages }: Checkpoint,
  { language, task }: PromptOptions,
): number[] {
  const token = languages.get(language);
  return token === undefined ? [] : [token, specialOf(tokenizer, [`<|${task}|>`])];
}

function specialOf(tokenizer: Tokenizer, names: readonly string[]): number {
  for (const name of names) {
    const id = tokenizer.special(name);
    if (id !== null) return id;
  }
  throw new Error(`the vocabulary has no ${names.join(" nor ")}`);
}
