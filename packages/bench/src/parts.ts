import type { Engine } from "@earshot/worker/engine";
import type { Tensor } from "@earshot/worker/inference/inference";
import { MusicnnMel } from "@earshot/worker/signal/musicnn-mel";
import { MUSICNN_PATCH, PatchCutter } from "@earshot/worker/signal/patches";
import { atOnce } from "./at-once.ts";
import type { BenchModels } from "./models.ts";
import { cpuSecondsOf } from "./process-usage.ts";
import { sumOf } from "./statistics.ts";

const signal = new AbortController().signal;
const STREAM = { name: "mono16k", channels: 1, sampleRateHz: 16_000 } as const;

/** What a front end and a model do for some tracks, each to be measured alone. */
export interface PartsWork {
  tracks: number;
  samples: readonly Float32Array[];
  patches: readonly Tensor[];
}

export function workOf({ hasMusicnn }: BenchModels, samples: readonly Float32Array[]): PartsWork {
  return { tracks: samples.length, samples, patches: hasMusicnn ? samples.flatMap(patchesOf) : [] };
}

export function patchesOf(samples: Float32Array): Tensor[] {
  const patches: Tensor[] = [];
  const dims = [1, MUSICNN_PATCH.frames, MUSICNN_PATCH.bands];
  const cutter = new PatchCutter(MUSICNN_PATCH, (data) => patches.push({ data, dims }));
  const mel = new MusicnnMel((frame) => cutter.push(frame));
  mel.push(samples);
  mel.finish();
  return patches;
}

/** All of a track at 16 kHz. */
export async function decodeTrack({ decoder }: Engine, file: string): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  await decode({ decoder }, file, (samples) => blocks.push(samples.slice()));
  const all = new Float32Array(sumOf(blocks.map(({ length }) => length)));
  let filled = 0;
  for (const block of blocks) {
    all.set(block, filled);
    filled += block.length;
  }
  return all;
}

async function decode(
  { decoder }: Pick<Engine, "decoder">,
  file: string,
  onSamples: (samples: Float32Array) => void,
): Promise<void> {
  const media = await decoder.probe(file, { signal });
  await decoder.decode(file, {
    media,
    streams: [STREAM],
    maxSeconds: 14_400,
    timeoutMs: 600_000,
    signal,
    onBlock: (_stream, { channels: [samples] }) => {
      if (samples !== undefined) onSamples(samples);
    },
  });
}

/** CPU of decoding, children included, with as many at once as there are cores. */
export async function decodedSeconds(
  engine: Engine,
  files: readonly string[],
  cores: number,
): Promise<number> {
  const before = cpuSecondsOf(process.pid);
  await atOnce(files, cores, (file) => decode(engine, file, () => {}));
  return cpuSecondsOf(process.pid) - before;
}

/** CPU of the front end. */
export function melSeconds({ samples, patches }: PartsWork): number {
  if (patches.length === 0) return 0;
  const before = process.cpuUsage();
  for (const track of samples) patchesOf(track);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** CPU of the lanes, all of them busy. */
export async function modelSeconds({ inference }: Engine, { samples, patches }: PartsWork): Promise<number> {
  const before = sumOf(inference.pids.map(cpuSecondsOf));
  const count = inference.pids.length;
  if (patches.length > 0)
    await atOnce(patches, count, (melspectrogram) =>
      inference.run("msd-musicnn-1", { melspectrogram }, signal),
    );
  else await atOnce(samples, count, (track) => scanSilero(inference, track));
  return sumOf(inference.pids.map(cpuSecondsOf)) - before;
}

/** A row of Silero is 64 samples of before and 512 new ones; two seconds go into a call. */
async function scanSilero(inference: Engine["inference"], samples: Float32Array): Promise<void> {
  let state: Float32Array = new Float32Array(2 * 128);
  for (let start = 0; start + 32_000 <= samples.length; start += 32_000) {
    const rows = new Float32Array(62 * 576);
    for (let row = 0; row < 62; row++)
      rows.set(samples.subarray(start + row * 512, start + row * 512 + 576), row * 576);
    ({ state } = await inference.scan("silero_vad", { rows, state }, signal));
  }
}
