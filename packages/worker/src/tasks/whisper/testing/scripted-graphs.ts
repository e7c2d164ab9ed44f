import { writeOnnx } from "../../../inference/onnx/write-onnx.ts";
import type { Graph, Node } from "../../../inference/onnx/write-onnx.ts";
import {
  FIRST_TIME,
  HINT,
  HINTED,
  LOOP,
  MURMUR,
  SPOKEN,
  TIMES,
  tokenOf,
  TRANSLATED,
  VOCABULARY_SIZE,
} from "./scripted-vocabulary.ts";

/** The mel bands whose tones are words, and the one that says that the language is German. */
export const WORD_BANDS = [8, 16, 24, 32, 40, 48, 56, 64] as const;
export const GERMAN_BAND = 72;
/** A word is a tone of so many of the encoder's frames (0.4 s). */
export const WORD_FRAMES = 20;

const BANDS = 80;
const FRAMES = 1_500;
/** Above the quietest of the window, of 2 at most: what counts as a tone. */
const LOUD = 1.2;
const RINGING = 3;

/** Bytes of an encoder: the mel above its least value, every two frames put together. */
export function scriptedEncoder(): Uint8Array {
  const graph = new GraphText();
  const least = graph.op("ReduceMin", ["input_features"], { keepdims: 1 });
  const above = graph.op("Sub", ["input_features", least]);
  const halved = graph.op("AveragePool", [above], { kernel_shape: [2], strides: [2] });
  graph.op("Transpose", [halved], { perm: [0, 2, 1] }, "last_hidden_state");
  return graph.write({
    name: "scripted-encoder",
    inputs: { input_features: [1, BANDS, 2 * FRAMES] },
    outputs: { last_hidden_state: [1, FRAMES, BANDS] },
  });
}

/**
 * Bytes of a decoder of the published contract that writes down tones: it begins a segment where the next tone starts, says the
 * word of every 0.4 s, and ends it where the tones end. Where it stands is in its cache alone. In a window without a tone it makes
 * a word up, and says that there is no speech. One tone is read as any word, another is repeated for ever.
 */
export function scriptedDecoder({ attends }: { attends: boolean }): Uint8Array {
  const graph = new GraphText();
  const isOf = (tokens: readonly number[]) => graph.lookUp((token) => (tokens.includes(token) ? 1 : 0));
  const words = [...SPOKEN, ...TRANSLATED, HINTED].map(tokenOf);
  const isCached = graph.cast("use_cache_branch");
  const isWord = isOf(words);
  const isTime = graph.lookUp((token) => (token >= FIRST_TIME ? 1 : 0));
  const time = graph.lookUp((token) => Math.max(0, token - FIRST_TIME));

  // The cache: of each time how far before it the first word since would be, and what was counted and asked for.
  const counted = graph.op("Mul", [isWord, isCached]);
  const past = graph.op("Squeeze", ["past_key_values.0.decoder.key", graph.ints(1)]);
  const pastCounted = graph.op("Slice", [past, graph.ints(1), graph.ints(2), graph.ints(2)]);
  const count = graph.sum(graph.op("Concat", [pastCounted, counted], { axis: 1 }), 1);
  const walked = graph.op("Mul", [count, graph.number(WORD_FRAMES)]);
  const origin = graph.either(isTime, graph.op("Sub", [time, walked]), graph.number(-10_000));
  const row = graph.op("Concat", [origin, counted, isOf([tokenOf("<|translate|>")]), isOf([tokenOf(HINT)])], {
    axis: 2,
  });
  const rows = graph.op("Unsqueeze", [row, graph.ints(1)]);
  graph.op("Concat", ["past_key_values.0.decoder.key", rows], { axis: 2 }, "present.0.decoder.key");
  graph.op("Concat", ["past_key_values.0.decoder.value", rows], { axis: 2 }, "present.0.decoder.value");
  const all = graph.op("Squeeze", ["present.0.decoder.key", graph.ints(1)]);
  const most = graph.op("ReduceMax", [all], { axes: [1], keepdims: 1 });
  const [latest, , isTranslated, isHinted] = [0, 1, 2, 3].map((column) => graph.column(most, column));
  const place = graph.op("Relu", [graph.op("Add", [latest ?? "", walked])]);

  // What was heard: made without a cache, and read from it after that. What the cached branch makes itself is nothing.
  const heard = graph.op("Unsqueeze", [
    graph.op("MatMul", ["encoder_hidden_states", graph.columns([...WORD_BANDS, GERMAN_BAND], BANDS)]),
    graph.ints(1),
  ]);
  const fresh = graph.op("Mul", [heard, graph.op("Sub", [graph.number(1), isCached])]);
  for (const name of ["key", "value"]) graph.op("Identity", [fresh], {}, `present.0.encoder.${name}`);
  const kept = graph.op("Concat", ["past_key_values.0.encoder.key", heard], { axis: 2 });
  const levels = graph.op("Squeeze", [
    graph.op("Slice", [kept, graph.ints(0), graph.ints(FRAMES), graph.ints(2)]),
    graph.ints(1),
  ]);
  const tones = graph.op("Slice", [levels, graph.ints(0), graph.ints(WORD_BANDS.length), graph.ints(2)]);
  const loudest = graph.op("ReduceMax", [tones], { axes: [2], keepdims: 1 });
  const isLoud = graph.cast(graph.op("Greater", [loudest, graph.number(LOUD)]));
  // A tone rings on for a frame or two.
  const isLoudAfter = graph.op(
    "Concat",
    [
      graph.op("Slice", [isLoud, graph.ints(RINGING), graph.ints(FRAMES), graph.ints(1)]),
      graph.constant([1, RINGING, 1], () => 0),
    ],
    { axis: 1 },
  );
  const isActive = graph.op("Mul", [isLoud, isLoudAfter]);
  const isSilent = graph.op("Sub", [
    graph.number(1),
    graph.op("ReduceMax", [isActive], { axes: [1], keepdims: 1 }),
  ]);

  // Text: the tone in the middle of where the next word stands.
  const frames = graph.constant([1, FRAMES, 1], (i) => i);
  const middle = graph.op("Add", [place, graph.number(WORD_FRAMES / 2)]);
  const distance = graph.op("Abs", [graph.op("Sub", [frames, middle])]);
  const isNear = graph.cast(graph.op("Less", [distance, graph.number(3.5)]));
  const level = graph.sum(graph.op("Mul", [tones, isNear]), 1);
  const isTone = graph.cast(graph.op("Greater", [level, graph.number(7 * LOUD)]));
  const said = graph.choose(isTone, SPOKEN);
  const hinted = graph.choose(isTone, [HINTED, ...SPOKEN.slice(1)]);
  const translated = graph.choose(isTone, TRANSLATED);
  const text = graph.either(isTranslated ?? "", translated, graph.either(isHinted ?? "", hinted, said));
  const isLast = (flag: string) =>
    graph.op("Slice", [flag, graph.ints(-1), graph.ints(1_000_000), graph.ints(1)]);
  const again = graph.op("Mul", [isLast(isOf([tokenOf(SPOKEN[LOOP])])), graph.onehot([SPOKEN[LOOP]], 80)]);
  const madeUp = graph.op("Mul", [isSilent, graph.onehot(SPOKEN, 25)]);

  // Times: after a word where the tones end, else where the next begins.
  const grid = graph.constant([1, 1, TIMES], (i) => i);
  const sinceStart = graph.op("Sub", [grid, place]);
  const offset = graph.op("Mul", [graph.op("Abs", [sinceStart]), graph.number(5)]);
  const ended = graph.op("Sub", [graph.number(45), offset]);
  const isBefore = graph.cast(graph.op("Less", [sinceStart, graph.number(-0.5)]));
  const onsets = graph.op("Mul", [
    graph.onsets(isActive, FRAMES, TIMES),
    graph.op("Sub", [graph.number(1), isBefore]),
  ]);
  // The next of them is by far the likeliest.
  const order = graph.op("Mul", [graph.op("CumSum", [onsets, graph.ints(2)]), graph.number(12)]);
  const begun = graph.op("Sub", [
    graph.op("Mul", [onsets, graph.op("Sub", [graph.number(62), order])]),
    graph.op("Mul", [isBefore, graph.number(1_000)]),
  ]);
  const times = graph.either(isLast(isWord), ended, begun);
  const padded = graph.op("Concat", [graph.constant([1, 1, FIRST_TIME], () => 0), times], { axis: 2 });

  // After the start of the transcript: the language, and whether there is speech at all.
  const german = graph.op("ReduceMax", [graph.column(levels, WORD_BANDS.length)], { axes: [1], keepdims: 1 });
  const isGerman = graph.cast(graph.op("Greater", [german, graph.number(LOUD)]));
  const first = graph.op("Add", [
    graph.op("Add", [graph.onehot(["<|en|>"], 10), graph.onehot(["<|de|>"], 5)]),
    graph.op("Add", [
      graph.op("Mul", [isGerman, graph.onehot(["<|de|>"], 10)]),
      graph.op("Mul", [isSilent, graph.onehot(["<|nospeech|>"], 90)]),
    ]),
  ]);
  const start = graph.op("Mul", [isOf([tokenOf("<|startoftranscript|>")]), first]);
  const parts = [text, again, madeUp, padded, graph.onehot(["<|endoftext|>"], 20)];
  const next = parts.reduce((sum, part) => graph.op("Add", [sum, part]));
  graph.op("Add", [next, start], {}, "logits");

  const attention = attends ? graph.attentionTo(isActive, isWord, FRAMES) : {};
  const cache = (rowCount: string, width: number) => [1, 1, rowCount, width];
  const [decoderCache, encoderCache] = [cache("past", 4), cache("context", WORD_BANDS.length + 1)];
  return graph.write({
    name: "scripted-decoder",
    inputs: {
      input_ids: [1, "tokens"],
      encoder_hidden_states: [1, FRAMES, BANDS],
      use_cache_branch: [1],
      "past_key_values.0.decoder.key": decoderCache,
      "past_key_values.0.decoder.value": decoderCache,
      "past_key_values.0.encoder.key": encoderCache,
      "past_key_values.0.encoder.value": encoderCache,
    },
    types: { input_ids: "int64", use_cache_branch: "bool" },
    outputs: {
      logits: [1, "tokens", VOCABULARY_SIZE],
      "present.0.decoder.key": cache("all", 4),
      "present.0.decoder.value": cache("all", 4),
      "present.0.encoder.key": cache("context_out", WORD_BANDS.length + 1),
      "present.0.encoder.value": cache("context_out", WORD_BANDS.length + 1),
      ...attention,
    },
  });
}

/** A graph that is written down operation by operation; names are made up as it goes. */
class GraphText {
  readonly #nodes: Node[] = [];
  readonly #constants: Record<string, { dims: number[]; values: Float32Array }> = {};

  op(
    op: string,
    inputs: readonly string[],
    attributes: Node["attributes"] = {},
    output = `n${this.#nodes.length}`,
  ): string {
    this.#nodes.push({ op, inputs, output, attributes });
    return output;
  }

  write(graph: Omit<Graph, "nodes" | "constants">): Uint8Array {
    return writeOnnx({ ...graph, nodes: this.#nodes, constants: this.#constants });
  }

  constant(dims: number[], valueAt: (index: number) => number): string {
    const name = `c${Object.keys(this.#constants).length}`;
    const length = dims.reduce((size, dim) => size * dim, 1);
    this.#constants[name] = { dims, values: Float32Array.from({ length }, (_, i) => valueAt(i)) };
    return name;
  }

  number(value: number): string {
    return this.constant([1], () => value);
  }

  ints(value: number): string {
    return this.op("Constant", [], { value_ints: [value] });
  }

  cast(input: string): string {
    return this.op("Cast", [input], { to: 1 });
  }

  sum(input: string, axis: number): string {
    return this.op("ReduceSum", [input, this.ints(axis)], { keepdims: 1 });
  }

  /** flag · yes + (1 − flag) · no */
  either(flag: string, yes: string, no: string): string {
    const isNot = this.op("Sub", [this.number(1), flag]);
    return this.op("Add", [this.op("Mul", [flag, yes]), this.op("Mul", [isNot, no])]);
  }

  /** A value of each token of the input: [1, tokens, 1]. */
  lookUp(valueOf: (token: number) => number): string {
    return this.op("Gather", [this.constant([VOCABULARY_SIZE, 1], valueOf), "input_ids"], { axis: 0 });
  }

  column(input: string, column: number): string {
    return this.op("Slice", [input, this.ints(column), this.ints(column + 1), this.ints(2)]);
  }

  columns(columns: readonly number[], height: number): string {
    return this.constant([height, columns.length], (i) =>
      columns[i % columns.length] === Math.floor(i / columns.length) ? 1 : 0,
    );
  }

  onehot(words: readonly string[], value: number): string {
    const tokens = new Set(words.map(tokenOf));
    return this.constant([1, 1, VOCABULARY_SIZE], (token) => (tokens.has(token) ? value : 0));
  }

  /** Logits of the words whose tones are heard. The murmur might be any. */
  choose(isTone: string, words: readonly string[]): string {
    const tokens = words.map(tokenOf);
    const weights = this.constant([1, tokens.length, VOCABULARY_SIZE], (i) => {
      const [tone, token] = [Math.floor(i / VOCABULARY_SIZE), i % VOCABULARY_SIZE];
      if (tone === MURMUR) return tokens.includes(token) ? 60 : 0;
      return tokens[tone] === token ? 60 : 0;
    });
    return this.op("MatMul", [isTone, weights]);
  }

  /** Where tones begin, by time: [1, 1, times]. */
  onsets(isActive: string, frames: number, times: number): string {
    const row = this.op("Transpose", [isActive], { perm: [0, 2, 1] });
    const none = this.constant([1, 1, 1], () => 0);
    const shifted = this.op(
      "Concat",
      [none, this.op("Slice", [row, this.ints(0), this.ints(frames - 1), this.ints(2)])],
      { axis: 2 },
    );
    const begins = this.op("Relu", [this.op("Sub", [row, shifted])]);
    return this.op("Concat", [begins, this.constant([1, 1, times - frames], () => 0)], { axis: 2 });
  }

  /** Two heads: one that looks nowhere, one that looks at the word that comes next. */
  attentionTo(isActive: string, isWord: string, frames: number): Graph["outputs"] {
    const slots = this.op("Mul", [this.op("CumSum", [isActive, this.ints(1)]), this.number(1 / WORD_FRAMES)]);
    const slot = this.op("Transpose", [this.op("Ceil", [slots])], { perm: [0, 2, 1] });
    const wanted = this.op("Add", [this.op("CumSum", [isWord, this.ints(1)]), this.number(1)]);
    const offset = this.op("Abs", [this.op("Sub", [slot, wanted])]);
    const isWanted = this.cast(this.op("Less", [offset, this.number(0.5)]));
    const activity = this.op("Transpose", [isActive], { perm: [0, 2, 1] });
    const looks = this.op("Add", [this.op("Mul", [isWanted, activity]), this.number(0.001)]);
    const nowhere = this.op("Add", [this.op("Mul", [looks, this.number(0)]), this.number(1 / frames)]);
    const heads = [nowhere, looks].map((head) => this.op("Unsqueeze", [head, this.ints(1)]));
    this.op("Concat", heads, { axis: 1 }, "cross_attentions.0");
    return { "cross_attentions.0": [1, 2, "tokens", frames] };
  }
}
