import { deflateSync } from "node:zlib";
import type { GenerateResult, Inference, Tensor } from "../../inference/inference.ts";
import { repeatedTail } from "../../inference/generate/repetition.ts";
import { promptOf } from "./checkpoint.ts";
import type { Checkpoint, PromptOptions } from "./checkpoint.ts";

/** As the reference decoder has it: what is worse than these is tried again, with more chance. */
const TEMPERATURES = [0, 0.2, 0.4, 0.6, 0.8, 1];
const MOST_COMPRESSION = 2.4;
const LEAST_LOGPROB = -1;
const MOST_NO_SPEECH = 0.6;

export interface DecodeRequest extends PromptOptions {
  /** The encoder's output. */
  context: Tensor;
  /** The one to decode at. null: 0, and those above it where that went wrong. */
  temperature: number | null;
  seed: number;
}

export type Decoded = Pick<GenerateResult, "tokens" | "logprobs">;

/**
 * The tokens of a window. A text that repeats itself or that the model is not sure of is decoded again, less and less strictly;
 * what the model thinks is no speech, and is not sure of, is none. A phrase that is still said over and over is said once.
 */
export async function decodeWindow(
  generate: (request: Parameters<Inference["generate"]>[1]) => Promise<GenerateResult>,
  checkpoint: Checkpoint,
  request: DecodeRequest,
): Promise<Decoded> {
  const { rules, noSpeech } = checkpoint;
  const { prompt, startPosition, maxTokens } = promptOf(checkpoint, request);
  const temperatures = request.temperature === null ? TEMPERATURES : [request.temperature];
  let best: Decoded = { tokens: [], logprobs: [] };
  for (const [i, temperature] of temperatures.entries()) {
    const found = await generate({
      context: request.context,
      prompt,
      rules,
      maxTokens,
      temperature,
      seed: request.seed + i,
      probe: { position: startPosition, tokens: [noSpeech] },
      attention: null,
    });
    const isUnsure = meanOf(found.logprobs) < LEAST_LOGPROB;
    if (isUnsure && (found.probed[0] ?? 0) > MOST_NO_SPEECH) return { tokens: [], logprobs: [] };
    best = found;
    if (!isUnsure && !isRepetitive(found.tokens, checkpoint)) break;
  }
  return withoutRepeats(best, checkpoint);
}

/** How likely each language of the model is, by ISO code. @returns the likeliest; English of a model that knows no other. */
export async function detectLanguage(
  generate: (request: Parameters<Inference["generate"]>[1]) => Promise<GenerateResult>,
  { languages, start, rules }: Checkpoint,
  context: Tensor,
): Promise<{ language: string; probability: number }> {
  if (languages.size === 0) return { language: "en", probability: 1 };
  const probe = { position: 0, tokens: [...languages.values()] };
  const only = { rules, maxTokens: 0, temperature: 0, seed: 0, attention: null };
  const { probed } = await generate({ context, prompt: [start], probe, ...only });
  const total = probed.reduce((sum, value) => sum + value, 0);
  const [language, probability] = [...languages.keys()]
    .map((code, i) => [code, total === 0 ? 0 : (probed[i] ?? 0) / total] as const)
    .reduce((most, one) => (one[1] > most[1] ? one : most));
  return { language, probability };
}

/** Whisper's measure: text that zlib shrinks by so much says the same again and again. */
function isRepetitive(tokens: readonly number[], { tokenizer, rules }: Checkpoint): boolean {
  const text = tokens.filter((token) => token < rules.end);
  const bytes = Buffer.from(tokenizer.decode(text));
  return (
    repeatedTail(text) > 0 ||
    (bytes.length > 0 && bytes.length / deflateSync(bytes).length > MOST_COMPRESSION)
  );
}

function withoutRepeats({ tokens, logprobs }: Decoded, { rules }: Checkpoint): Decoded {
  const isText = (token: number) => token < rules.end;
  const repeats = repeatedTail(tokens.filter(isText));
  if (repeats === 0) return { tokens, logprobs };
  let [kept, dropped] = [tokens.length, 0];
  while (dropped < repeats) if (isText(tokens[--kept] ?? rules.end)) dropped += 1;
  return { tokens: tokens.slice(0, kept), logprobs: logprobs.slice(0, kept) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
