import { readFile } from "node:fs/promises";
import type { Inference, Tensors } from "../inference.ts";
import type { ModelSpec } from "../manifest.ts";

/** 187 frames of 96 bands, 93 frames apart. */
const PATCH = { frames: 187, hop: 93, bands: 96 } as const;
const PATCH_SIZE = PATCH.frames * PATCH.bands;

/** Mels by an independent implementation, of a beat and of a sweep over noise (see signal/golden). */
const GOLDEN_MELS = ["house_124.mel.f32", "sweep_noise.mel.f32"];

/** Patches of both goldens, silence, and noise louder than any recording. */
export async function probePatches(): Promise<Float32Array[]> {
  const mels = await Promise.all(
    GOLDEN_MELS.map((name) => readFile(new URL(`../../signal/golden/${name}`, import.meta.url))),
  );
  const noise = Float32Array.from(
    { length: PATCH_SIZE },
    (_, i) => (6 * (Math.imul(i, 2_654_435_761) >>> 0)) / 2 ** 32,
  );
  return [
    ...mels.flatMap((bytes) => patchesOf(new Float32Array(Uint8Array.from(bytes).buffer))),
    new Float32Array(PATCH_SIZE),
    noise,
  ];
}

function patchesOf(mel: Float32Array): Float32Array[] {
  const count = Math.floor((mel.length / PATCH.bands - PATCH.frames) / PATCH.hop) + 1;
  return Array.from({ length: count }, (_, i) => {
    const start = i * PATCH.hop * PATCH.bands;
    return mel.slice(start, start + PATCH_SIZE);
  });
}

/** Runs one patch. @throws as `Inference.run` does. */
function runPatch(
  inference: Inference,
  model: string,
  patch: Float32Array,
  signal: AbortSignal,
): Promise<Tensors> {
  const dims = [1, PATCH.frames, PATCH.bands];
  return inference.run(model, { melspectrogram: { data: patch, dims } }, signal);
}

export type Parity = Record<keyof ModelSpec["outputs"], number>;

/** By output, the largest difference between two models over all patches. NaN counts as infinite. */
export async function compareModels(
  inference: Inference,
  [one, other]: readonly [ModelSpec, ModelSpec],
  patches: readonly Float32Array[],
  signal: AbortSignal,
): Promise<Parity> {
  const largest: Parity = {};
  for (const patch of patches) {
    const [expected, found] = [
      await runPatch(inference, one.id, patch, signal),
      await runPatch(inference, other.id, patch, signal),
    ];
    for (const output of Object.keys(one.outputs))
      largest[output] = Math.max(
        largest[output] ?? 0,
        largestDifference(expected[output]?.data, found[output]?.data),
      );
  }
  return largest;
}

function largestDifference(expected?: Float32Array, found?: Float32Array): number {
  if (expected === undefined || expected.length !== found?.length) return Infinity;
  const differences = expected.map((value, i) => Math.abs(value - (found[i] ?? NaN)));
  return differences.reduce((largest, difference) => Math.max(largest, finite(difference)), 0);
}

function finite(value: number): number {
  return Number.isNaN(value) ? Infinity : value;
}

const ROUNDS = 5;
const PATCHES_PER_ROUND = 4;

/** How many times faster `other` is on this machine: the ratio of medians of interleaved rounds in one process. */
export async function measureSpeedup(
  inference: Inference,
  pair: readonly [ModelSpec, ModelSpec],
  patches: readonly Float32Array[],
  signal: AbortSignal,
): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of [0, 1] as const) {
      const start = performance.now();
      for (const patch of patches.slice(0, PATCHES_PER_ROUND))
        await runPatch(inference, pair[which].id, patch, signal);
      times[which].push(performance.now() - start);
    }
  }
  return medianOf(times[0]) / medianOf(times[1]);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
