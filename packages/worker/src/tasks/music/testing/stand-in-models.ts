import type { Registry } from "../../../inference/registry.ts";
import { writeStandIns } from "../../../inference/testing/write-stand-ins.ts";
import { MOOD_HEADS } from "../mood-heads.ts";
import { writeOnnx } from "../../../inference/onnx/write-onnx.ts";

/**
 * Graphs of the same contract as MusiCNN and its heads, whose answers can be told from the mel:
 * - embedding i of a patch is the mean of band i mod 96 over its frames, and tag i the logistic function of embedding i;
 * - head number h weighs embedding h against 2 and its classes share 1 by softmax.
 */
export function writeStandInModels(directory: string): Promise<Registry> {
  const heads = Object.keys(MOOD_HEADS).map(
    (head, index) => [`${head}-msd-musicnn-1`, headGraph(index)] as const,
  );
  const graphs = new Map([["msd-musicnn-1", musicnnGraph()], ...heads]);
  return writeStandIns(directory, graphs);
}

function musicnnGraph(): Uint8Array {
  return writeOnnx({
    name: "stand-in",
    inputs: { melspectrogram: ["patches", 187, 96] },
    outputs: { activations: ["patches", 50], embeddings: ["patches", 200] },
    constants: {
      fold: matrix(96, 200, (band, i) => Number(band === i % 96)),
      pick: matrix(200, 50, (i, tag) => Number(i === tag)),
    },
    nodes: [
      {
        op: "ReduceMean",
        inputs: ["melspectrogram"],
        output: "means",
        attributes: { axes: [1], keepdims: 0 },
      },
      { op: "MatMul", inputs: ["means", "fold"], output: "embeddings" },
      { op: "MatMul", inputs: ["embeddings", "pick"], output: "logits" },
      { op: "Sigmoid", inputs: ["logits"], output: "activations" },
    ],
  });
}

function headGraph(index: number): Uint8Array {
  return writeOnnx({
    name: "stand-in",
    inputs: { embeddings: ["patches", 200] },
    outputs: { activations: ["patches", 2] },
    constants: {
      pick: matrix(200, 2, (i, label) => Number(i === index && label === 0)),
      bias: { dims: [2], values: Float32Array.of(0, 2) },
    },
    nodes: [
      { op: "MatMul", inputs: ["embeddings", "pick"], output: "picked" },
      { op: "Add", inputs: ["picked", "bias"], output: "logits" },
      { op: "Softmax", inputs: ["logits"], output: "activations", attributes: { axis: 1 } },
    ],
  });
}

function matrix(rows: number, columns: number, valueAt: (row: number, column: number) => number) {
  const values = Float32Array.from({ length: rows * columns }, (_, i) =>
    valueAt(Math.floor(i / columns), i % columns),
  );
  return { dims: [rows, columns], values };
}
