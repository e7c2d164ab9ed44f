import { createResampler } from "@earshot/worker/signal/resample";
import { PowerSpectrum } from "@earshot/worker/signal/fft";
import { LoudnessMeter } from "@earshot/worker/signal/loudness";
import { MusicnnMel } from "@earshot/worker/signal/musicnn-mel";
import { TruePeakMeter } from "@earshot/worker/signal/true-peak";
import { bench, do_not_optimize, run } from "mitata";
import { rounded } from "./statistics.ts";

const SECONDS = 4;

/** Noise; the same on each run. */
function samplesOf(sampleRateHz: number): Float32Array {
  return Float32Array.from(
    { length: SECONDS * sampleRateHz },
    (_, i) => (Math.imul(i, 2_654_435_761) | 0) / 2 ** 31,
  );
}

const [speech, music] = [samplesOf(16_000), samplesOf(44_100)];
const stereo = [music, music];
const spectrum = new PowerSpectrum(512);
const [frame, power] = [speech.subarray(0, 512), new Float32Array(257)];

/** Each works on four seconds of audio, but for the FFT of one frame. */
const KERNELS: Readonly<Record<string, () => unknown>> = {
  fft_512: () => spectrum.compute(frame, power),
  mel: () => {
    let frames = 0;
    const mel = new MusicnnMel(() => (frames += 1));
    mel.push(speech);
    mel.finish();
    return frames;
  },
  resample_44100_16000: () => createResampler(44_100, 16_000).push(music),
  loudness_stereo: () => {
    const meter = new LoudnessMeter(44_100, [1, 1]);
    meter.push(stereo);
    return meter.integratedLufs();
  },
  true_peak_stereo: () => {
    const meter = new TruePeakMeter(44_100, 2);
    meter.push(stereo);
    return meter;
  },
};

/** The arithmetic of signal/, by mitata. */
export async function runKernels(): Promise<Record<string, { p50_ns: number; times_real_time?: number }>> {
  for (const [name, kernel] of Object.entries(KERNELS)) bench(name, () => do_not_optimize(kernel()));
  const { benchmarks } = await run({ format: "quiet" });
  const found = benchmarks.flatMap(({ alias, runs }) => {
    const nanoseconds = runs[0]?.stats?.p50;
    if (nanoseconds === undefined) return [];
    const speed = alias === "fft_512" ? {} : { times_real_time: rounded((SECONDS * 1e9) / nanoseconds) };
    return [[alias, { p50_ns: rounded(nanoseconds), ...speed }] as const];
  });
  return Object.fromEntries(found);
}
