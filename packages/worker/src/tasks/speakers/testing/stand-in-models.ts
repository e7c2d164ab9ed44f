import { writeOnnx } from "../../../inference/onnx/write-onnx.ts";
import type { Weights } from "../../../inference/onnx/read-weights.ts";
import type { Registry } from "../../../inference/registry.ts";
import { writeStandIns } from "../../../inference/testing/write-stand-ins.ts";
import { KALDI_FBANK } from "../../../signal/kaldi-fbank.ts";
import { SEGMENTATION } from "../segmentation.ts";
import { RATE_HZ, VIBRATO, VOICES_HZ } from "./tone-voices.ts";

/**
 * Graphs of the same contract as the segmentation and the voice model, for the voices of tone-voices.ts:
 * - the segmentation measures the energy of each voice's tones in each frame's receptive field, and numbers those that are heard
 *   anywhere in the window from the lowest on: the same voice is another one of three in another window;
 * - the vector of a voice is how much each mel band swings over the time, where it swings more than noise does.
 */
export function writeStandInModels(directory: string): Promise<Registry> {
  const graphs = new Map([
    ["pyannote-segmentation-3.0", segmentationGraph()],
    ["wespeaker-voxceleb-resnet34-LM", voiceGraph()],
  ]);
  return writeStandIns(directory, graphs);
}

/** Of each voice the tones that its vibrato passes through. */
const BENDS = [-1, -0.5, 0, 0.5, 1].map((part) => 1 + part * VIBRATO);
const TAPS = 301;
const PHASES = [Math.cos, Math.sin];

function segmentationGraph(): Uint8Array {
  const voices = VOICES_HZ.length;
  const filters = VOICES_HZ.flatMap((hz) =>
    BENDS.flatMap((bend) => PHASES.map((wave) => filterOf(hz * bend, wave))),
  );
  const perVoice = BENDS.length * PHASES.length;
  return writeOnnx({
    name: "stand-in",
    inputs: { x: ["windows", 1, SEGMENTATION.windowSamples] },
    outputs: { y: ["windows", SEGMENTATION.frames, 7] },
    constants: {
      filters: {
        dims: [filters.length, 1, SEGMENTATION.receptiveFieldSamples],
        values: concatenated(filters),
      },
      voices: matrix(filters.length, voices, (filter, voice) =>
        Number(Math.floor(filter / perVoice) === voice),
      ),
      // A full tone has an energy of 0.3² in its own filter, half a field of it a quarter.
      threshold: scalar(0.3 ** 2 / 4),
      gain: scalar(2_000),
      // A voice that fills a few frames of the window is heard there.
      rank: matrix(voices, voices, (other, voice) => Number(other < voice)),
      first: scalar(0),
      second: scalar(1),
      third: scalar(2),
      one: scalar(1),
      half: scalar(0.5),
      sharp: scalar(200),
      signs: matrix(3, 7, (local, set) => ((([0, 1, 2, 4, 3, 5, 6][set] ?? 0) >> local) & 1 ? 8 : -8)),
    },
    nodes: [
      {
        op: "Conv",
        inputs: ["x", "filters"],
        output: "waves",
        attributes: {
          kernel_shape: [SEGMENTATION.receptiveFieldSamples],
          strides: [SEGMENTATION.frameSamples],
        },
      },
      { op: "Mul", inputs: ["waves", "waves"], output: "energies" },
      { op: "Transpose", inputs: ["energies"], output: "frames", attributes: { perm: [0, 2, 1] } },
      { op: "MatMul", inputs: ["frames", "voices"], output: "loudness" },
      { op: "Sub", inputs: ["loudness", "threshold"], output: "above" },
      { op: "Mul", inputs: ["above", "gain"], output: "surely" },
      // [windows, frames, voices], near 0 or 1.
      { op: "Sigmoid", inputs: ["surely"], output: "heard" },
      // [windows, 1, voices], 0 or 1 as nearly as makes no difference.
      { op: "ReduceMax", inputs: ["heard"], output: "loudest", attributes: { axes: [1], keepdims: 1 } },
      { op: "Sub", inputs: ["loudest", "half"], output: "present.around" },
      { op: "Mul", inputs: ["present.around", "sharp"], output: "present.sharp" },
      { op: "Sigmoid", inputs: ["present.sharp"], output: "present" },
      { op: "MatMul", inputs: ["present", "rank"], output: "place" },
      ...["first", "second", "third"].flatMap((place) => [
        { op: "Sub", inputs: ["place", place], output: `${place}.off` },
        { op: "Abs", inputs: [`${place}.off`], output: `${place}.distance` },
        { op: "Sub", inputs: ["one", `${place}.distance`], output: `${place}.tent` },
        { op: "Relu", inputs: [`${place}.tent`], output: `${place}.is` },
        { op: "Mul", inputs: [`${place}.is`, "heard"], output: `${place}.own` },
        { op: "Mul", inputs: [`${place}.own`, "present"], output: `${place}.heard` },
        {
          op: "ReduceMax",
          inputs: [`${place}.heard`],
          output: `${place}.speaks`,
          attributes: { axes: [2], keepdims: 1 },
        },
      ]),
      {
        op: "Concat",
        inputs: ["first.speaks", "second.speaks", "third.speaks"],
        output: "speaks",
        attributes: { axis: 2 },
      },
      { op: "Sub", inputs: ["speaks", "half"], output: "speaks.around" },
      { op: "MatMul", inputs: ["speaks.around", "signs"], output: "y" },
    ],
  });
}

/** A tone in a Hann window in the middle of the receptive field, scaled so that a tone of amplitude a answers with a. */
function filterOf(hz: number, wave: (angle: number) => number): Float32Array {
  const kernel = new Float32Array(SEGMENTATION.receptiveFieldSamples);
  const start = (kernel.length - TAPS) / 2;
  for (let i = 0; i < TAPS; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (TAPS + 1));
    kernel[start + i] = (4 / (TAPS + 1)) * window * wave((2 * Math.PI * hz * i) / RATE_HZ);
  }
  return kernel;
}

function voiceGraph(): Uint8Array {
  const { bands } = KALDI_FBANK;
  return writeOnnx({
    name: "stand-in",
    inputs: { feats: ["voices", 300, bands] },
    outputs: { embs: ["voices", 256] },
    constants: {
      noise: scalar(1.2),
      widen: matrix(bands, 256, (band, i) => Number(band === i)),
    },
    nodes: [
      { op: "Mul", inputs: ["feats", "feats"], output: "squares" },
      { op: "ReduceMean", inputs: ["squares"], output: "variance", attributes: { axes: [1], keepdims: 0 } },
      { op: "Sqrt", inputs: ["variance"], output: "swing" },
      { op: "Sub", inputs: ["swing", "noise"], output: "above" },
      { op: "Relu", inputs: ["above"], output: "own" },
      { op: "MatMul", inputs: ["own", "widen"], output: "embs" },
    ],
  });
}

function scalar(value: number): Weights {
  return { dims: [1], values: Float32Array.of(value) };
}

function matrix(rows: number, columns: number, valueAt: (row: number, column: number) => number): Weights {
  const values = Float32Array.from({ length: rows * columns }, (_, i) =>
    valueAt(Math.floor(i / columns), i % columns),
  );
  return { dims: [rows, columns], values };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
