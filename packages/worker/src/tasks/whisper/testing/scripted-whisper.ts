import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseManifest } from "../../../inference/manifest.ts";
import { writeOnnx } from "../../../inference/onnx/write-onnx.ts";
import { createRegistry } from "../../../inference/registry.ts";
import type { Registry } from "../../../inference/registry.ts";
import { scriptedDecoder, scriptedEncoder } from "./scripted-graphs.ts";
import { scriptedGenerationConfig, scriptedTokenizer } from "./scripted-vocabulary.ts";

/**
 * Writes graphs of the contracts of Whisper and of Silero that hear tones, and gives a registry in which they stand for the
 * published ones. The Silero one says how loud it is. `attends`: whether the decoder tells what it looks at.
 */
export async function writeScriptedWhisper(directory: string, { attends = true } = {}): Promise<Registry> {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const decoderFiles = {
    "whisper-base.decoder.onnx": scriptedDecoder({ attends }),
    "whisper-base.tokenizer.json": json(scriptedTokenizer()),
    "whisper-base.generation_config.json": json(scriptedGenerationConfig()),
  };
  const encoderFiles = { "whisper-base.encoder.onnx": scriptedEncoder() };
  const vadFiles = { "silero_vad.onnx": loudness() };
  const files = { ...decoderFiles, ...encoderFiles, ...vadFiles };
  await Promise.all(Object.entries(files).map(([name, bytes]) => writeFile(join(directory, name), bytes)));
  const published = createRegistry().models;
  const silero = createRegistry().find("silero_vad");
  const scripted = parseManifest({
    models: [
      { ...silero, probe: undefined, files: filesOf(vadFiles) },
      {
        ...ENTRY,
        id: "whisper-base",
        files: filesOf(decoderFiles),
        needs: "whisper-base-encoder",
        generate: "optimum",
        inputs: {},
        outputs: attends ? { "cross_attentions.0": { type: "float32", shape: [1, 2, "tokens", 1_500] } } : {},
      },
      {
        ...ENTRY,
        id: "whisper-base-encoder",
        files: filesOf(encoderFiles),
        inputs: { input_features: { type: "float32", shape: [1, 80, 3_000] } },
        outputs: { last_hidden_state: { type: "float32", shape: [1, 1_500, 80] } },
      },
    ],
  });
  const ids = new Set(scripted.map(({ id }) => id));
  const models = [...published.filter(({ id }) => !ids.has(id)), ...scripted];
  return createRegistry({ modelsDir: directory, models });
}

const ENTRY = {
  version: "scripted",
  task: "speech.transcription",
  licence: "MIT",
  licence_url: "https://models.example/licence",
};

function filesOf(files: Readonly<Record<string, Uint8Array>>) {
  return Object.entries(files).map(([name, bytes]) => ({
    name,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
  }));
}

/** Silero's contract: the probability of speech of a window is 1 where its samples reach 0.02 on average, and its state stays. */
function loudness(): Uint8Array {
  const streams = "streams";
  return writeOnnx({
    name: "loudness",
    inputs: { input: [streams, 576], state: [2, streams, 128], sr: [] },
    types: { sr: "int64" },
    outputs: { output: [streams, 1], stateN: [2, streams, 128] },
    constants: {
      factor: { dims: [1], values: Float32Array.of(50) },
      none: { dims: [], values: Float32Array.of(0) },
      all: { dims: [], values: Float32Array.of(1) },
    },
    nodes: [
      { op: "Abs", inputs: ["input"], output: "size" },
      { op: "ReduceMean", inputs: ["size"], output: "mean", attributes: { axes: [1], keepdims: 1 } },
      { op: "Mul", inputs: ["mean", "factor"], output: "scaled" },
      { op: "Clip", inputs: ["scaled", "none", "all"], output: "output" },
      { op: "Identity", inputs: ["state"], output: "stateN" },
    ],
  });
}
