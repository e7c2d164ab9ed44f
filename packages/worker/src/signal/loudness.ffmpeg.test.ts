import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { channelWeights } from "./channel-weights.ts";
import { LoudnessMeter } from "./loudness.ts";
import { musicLike, swellingNoise } from "./test-signals.ts";
import { TruePeakMeter } from "./true-peak.ts";

const SECONDS = 12;

const PROGRAMMES = [
  { material: "noise", layout: "mono", sampleRateHz: 44_100 },
  { material: "noise", layout: "stereo", sampleRateHz: 48_000 },
  { material: "music", layout: "stereo", sampleRateHz: 44_100 },
  { material: "music", layout: "stereo", sampleRateHz: 96_000 },
  { material: "music", layout: "mono", sampleRateHz: 22_050 },
  { material: "noise", layout: "5.1", sampleRateHz: 48_000 },
  { material: "music", layout: "5.1(side)", sampleRateHz: 48_000 },
] as const;

const CHANNELS = { mono: 1, stereo: 2, "5.1": 6, "5.1(side)": 6 };
const GENERATORS = { noise: swellingNoise, music: musicLike };

test.each(PROGRAMMES)(
  "$layout $material at $sampleRateHz Hz measures as ffmpeg's ebur128 filter does",
  async ({ material, layout, sampleRateHz }) => {
    const channels = Array.from({ length: CHANNELS[layout] }, (_, i) =>
      GENERATORS[material](sampleRateHz, SECONDS, i + 1),
    );
    const loudness = new LoudnessMeter(sampleRateHz, channelWeights(layout, channels.length));
    const truePeak = new TruePeakMeter(sampleRateHz, channels.length);
    loudness.push(channels);
    truePeak.push(channels);

    const reference = await ebur128(channels, layout, sampleRateHz);
    expect(Math.abs((loudness.integratedLufs() ?? 0) - reference.integratedLufs)).toBeLessThan(0.05);
    expect(Math.abs((loudness.rangeLu() ?? 0) - reference.rangeLu)).toBeLessThan(0.1);
    // Its interpolator is longer than that of BS.1770, which is off by some tenths of a dB in the top of the band.
    expect(Math.abs((truePeak.peakDbtp() ?? 0) - reference.truePeakDbtp)).toBeLessThan(0.25);
  },
);

async function ebur128(channels: Float32Array[], layout: string, sampleRateHz: number) {
  const input = [
    "-f",
    "f32le",
    "-ar",
    `${sampleRateHz}`,
    "-channel_layout",
    layout,
    "-ac",
    `${channels.length}`,
    "-i",
    "pipe:0",
  ];
  const filter = "ebur128=peak=true:metadata=1,ametadata=print:file=-";
  const ffmpeg = spawn("ffmpeg", ["-v", "error", ...input, "-af", filter, "-f", "null", "-"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  ffmpeg.stdin.end(interleaved(channels));
  const lines = await text(ffmpeg.stdout);
  const last = (key: string) =>
    Number(lines.slice(lines.lastIndexOf(`lavfi.r128.${key}=`)).match(/=(\S+)/)?.[1]);
  return {
    integratedLufs: last("I"),
    rangeLu: last("LRA"),
    truePeakDbtp: 20 * Math.log10(last("true_peak")),
  };
}

function interleaved(channels: Float32Array[]): Uint8Array {
  const samples = new Float32Array(channels.length * (channels[0]?.length ?? 0));
  for (const [offset, channel] of channels.entries()) {
    for (const [i, sample] of channel.entries()) samples[i * channels.length + offset] = sample;
  }
  return new Uint8Array(samples.buffer);
}
