import ort from "onnxruntime-node";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { GenerateRequest, GenerateResult, Tensor, TokenRules } from "../inference.ts";
import { pickToken } from "./pick-token.ts";
import { repeatedTail } from "./repetition.ts";
import { applyTokenRules, logSumExp } from "./token-rules.ts";

/** The names of a decoder's tensors as Optimum exports it (`decoder_model_merged`). */
const TOKENS = "input_ids";
const CONTEXT = "encoder_hidden_states";
const USE_CACHE = "use_cache_branch";
const LOGITS = "logits";
const PAST = "past_key_values.";
const PRESENT = "present.";
const ATTENTION = "cross_attentions.";
/** Of these the step without a cache alone makes the values. */
const OF_CONTEXT = ".encoder.";

type Cache = Record<string, OrtTensor>;

/** Steps a decoder token by token, in the lane: its cache, of megabytes, never leaves it. `onStep` is told before each. */
export async function generate(
  session: InferenceSession,
  request: GenerateRequest,
  onStep: () => void,
): Promise<GenerateResult> {
  const { prompt, rules, maxTokens, temperature, seed } = request;
  const decoder = new CachedDecoder(session, request);
  const pick = pickToken(temperature, seed);
  const prompted = await decoder.step(prompt);
  const found = { probed: probedOf(prompted.logits, request), attention: prompted.attention };
  const [tokens, logprobs]: [number[], number[]] = [[], []];
  let logits = lastRow(prompted.logits);
  while (tokens.length < maxTokens && repeatedTail(textOf(tokens, rules)) === 0) {
    applyTokenRules(logits, tokens, rules);
    const token = pick(logits);
    tokens.push(token);
    logprobs.push((logits[token] ?? NaN) - logSumExp(logits));
    if (token === rules.end) break;
    onStep();
    if (tokens.length < maxTokens) logits = lastRow((await decoder.step([token])).logits);
  }
  return { ...found, tokens, logprobs };
}

/** A decoder and what it keeps between the steps of one request. */
class CachedDecoder {
  readonly #session: InferenceSession;
  readonly #context: OrtTensor;
  readonly #attention: GenerateRequest["attention"];
  #past: Cache;
  #isFirst = true;

  constructor(session: InferenceSession, { context, attention }: GenerateRequest) {
    this.#session = session;
    this.#context = new ort.Tensor("float32", context.data, context.dims);
    this.#attention = attention;
    this.#past = emptyCache(session);
  }

  async step(tokens: readonly number[]): Promise<{ logits: OrtTensor; attention: Tensor | null }> {
    const wanted = this.#isFirst ? this.#attention : null;
    const found = await this.#session.run(this.#feeds(tokens), this.#fetches(wanted));
    for (const name of Object.keys(this.#past)) {
      if (this.#isFirst || !name.includes(OF_CONTEXT))
        this.#past[name] = tensorOf(found, name.replace(PAST, PRESENT));
    }
    this.#isFirst = false;
    return { logits: tensorOf(found, LOGITS), attention: wanted === null ? null : rowsOf(found, wanted) };
  }

  #feeds(tokens: readonly number[]): Record<string, OrtTensor> {
    const ids = BigInt64Array.from(tokens, BigInt);
    return {
      ...this.#past,
      [TOKENS]: new ort.Tensor("int64", ids, [1, ids.length]),
      [CONTEXT]: this.#context,
      ...(this.#session.inputNames.includes(USE_CACHE)
        ? { [USE_CACHE]: new ort.Tensor("bool", [!this.#isFirst], [1]) }
        : {}),
    };
  }

  #fetches(attention: GenerateRequest["attention"]): string[] {
    const layers = new Set(attention?.heads.map(([layer]) => `${ATTENTION}${layer}`));
    return this.#session.outputNames.filter((name) => !name.startsWith(ATTENTION) || layers.has(name));
  }
}

function emptyCache(session: InferenceSession): Cache {
  const inputs = session.inputMetadata.filter(({ name }) => name.startsWith(PAST));
  return Object.fromEntries(
    inputs.map((input) => {
      const [, heads, , width] = input.isTensor ? input.shape : [];
      if (typeof heads !== "number" || typeof width !== "number")
        throw new Error(`${input.name} does not tell its heads and width`);
      return [input.name, new ort.Tensor("float32", new Float32Array(), [1, heads, 0, width])];
    }),
  );
}

/** Of the attention [1, heads, rows, frames] of each layer the wanted heads: [wanted, rows, frames], cut to what is wanted. */
function rowsOf(
  found: InferenceSession.OnnxValueMapType,
  { heads, from, frames }: NonNullable<GenerateRequest["attention"]>,
): Tensor {
  const cut = heads.map(([layer, head]) => {
    const { data, dims } = tensorOf(found, `${ATTENTION}${layer}`);
    const [, , rows = 0, width = 0] = dims;
    return Array.from({ length: rows - from }, (_, row) => {
      const start = (head * rows + from + row) * width;
      return floatsOf(data).subarray(start, start + Math.min(frames, width));
    });
  });
  const [rows, width] = [cut[0]?.length ?? 0, cut[0]?.[0]?.length ?? 0];
  const values = new Float32Array(heads.length * rows * width);
  for (const [i, row] of cut.flat().entries()) values.set(row, i * width);
  return { data: values, dims: [heads.length, rows, width] };
}

function probedOf(logits: OrtTensor, { probe }: GenerateRequest): Float32Array {
  if (probe === null) return new Float32Array();
  const row = rowAt(logits, probe.position);
  const total = logSumExp(row);
  return Float32Array.from(probe.tokens, (token) => Math.exp((row[token] ?? NaN) - total));
}

function lastRow(logits: OrtTensor): Float32Array {
  return rowAt(logits, (logits.dims[1] ?? 0) - 1);
}

function rowAt({ data, dims }: OrtTensor, position: number): Float32Array {
  const width = dims[2] ?? 0;
  return floatsOf(data).subarray(position * width, (position + 1) * width);
}

/** Timestamps in between do not make a phrase another. */
function textOf(tokens: readonly number[], { timestamps }: TokenRules): readonly number[] {
  return timestamps === null ? tokens : tokens.filter((token) => token < timestamps.first);
}

function tensorOf(found: InferenceSession.OnnxValueMapType, name: string): OrtTensor {
  const tensor = found[name];
  if (!(tensor instanceof ort.Tensor)) throw new Error(`the model has no tensor ${name}`);
  return tensor;
}

function floatsOf(data: unknown): Float32Array {
  if (!(data instanceof Float32Array)) throw new Error("the model's output is not float32");
  return data;
}
