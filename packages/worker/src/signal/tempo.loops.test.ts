import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { MusicMeter } from "./music-meter.ts";
import { isSame } from "./tempo.ts";

/** Beats in each loop: they are cut to whole bars, so that its length is its tempo. Sonic Pi's CC0 samples. */
const LOOPS = {
  loop_3d_printer: 16,
  loop_amen: 4,
  loop_amen_full: 16,
  loop_breakbeat: 4,
  loop_compus: 16,
  loop_drone_g_97: 8,
  loop_electric: 4,
  loop_garzul: 16,
  loop_industrial: 2,
  loop_mehackit1: 4,
  loop_mehackit2: 4,
  loop_mika: 16,
  loop_perc1: 4,
  loop_perc2: 4,
  loop_safari: 16,
  loop_tabla: 16,
  loop_weirdo: 8,
};

const SAMPLES = join(dirname(fileURLToPath(import.meta.resolve("supersonic-scsynth-samples"))), "samples");
const RATE = 44_100;
const SECONDS = 30;

function read(name: string): Float32Array {
  const file = join(SAMPLES, `${name}.flac`);
  const bytes = execFileSync("ffmpeg", ["-v", "error", "-i", file, "-ac", "1", "-f", "f32le", "-"], {
    maxBuffer: 1e8,
  });
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

test("recorded loops: 12 of 17 tempi are right within 4 %, 14 with octaves", () => {
  const found = Object.entries(LOOPS).map(([name, beats]) => {
    const loop = read(name);
    const meter = new MusicMeter(RATE);
    for (let at = 0; at < SECONDS * RATE; at += loop.length) meter.push(loop);
    return { name, truth: (60 * beats * RATE) / loop.length, bpm: meter.finish().tempo?.bpm ?? 0 };
  });
  const within = (factors: number[]) =>
    found.filter(({ truth, bpm }) => factors.some((factor) => isSame(bpm, truth * factor))).length;
  expect(within([1])).toBeGreaterThanOrEqual(12);
  expect(within([1, 2, 3, 1 / 2, 1 / 3])).toBeGreaterThanOrEqual(14);
});
