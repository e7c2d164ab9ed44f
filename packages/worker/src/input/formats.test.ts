import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AudioBlock, Media, StreamSpec } from "./audio.ts";
import { createDecoder } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import { detectSandbox } from "./sandbox.ts";
import { CONTAINERS } from "./testing/containers.ts";
import type { ContainerName } from "./testing/containers.ts";
import { createCorpus } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

const MONO: StreamSpec = { name: "mono", channels: 1, sampleRateHz: 16_000 };
const NATIVE: StreamSpec = { name: "native", channels: "native", sampleRateHz: "native" };

const SECONDS = 1.6;
/** Whole periods of it fit into the half second that is measured. */
const TONE_HZ = 500;

/**
 * Channels as ffmpeg orders them: L R, or L R C LFE and two surrounds. One and two are at full scale; six differ, so that
 * a mix-up is seen, and count in mono as downmix.ts says.
 */
const LAYOUTS = {
  mono: { levels: [1], mono: 1 },
  stereo: { levels: [1, 1], mono: 1 },
  "5.1": {
    levels: [0.7, 0.8, 0.6, 0.5, 0.4, 0.2],
    mono: (Math.SQRT1_2 * 1.5 + 0.6 + 0.5 * 0.6) / (Math.SQRT2 + 2),
  },
} as const;
type Layout = keyof typeof LAYOUTS;

/** Lossy codecs keep only the lowest tones of the effects channel. */
const LFE = 3;

let corpus: Corpus;
let decoder: Decoder;

beforeAll(async () => {
  corpus = await createCorpus();
  decoder = createDecoder({
    ffmpeg: { ffmpeg: "ffmpeg", ffprobe: "ffprobe" },
    sandbox: await detectSandbox(),
  });
});
afterAll(() => corpus[Symbol.asyncDispose]());

/** As far as each codec goes: an encoder that knows fewer rates or layouts has fewer rows. */
const CASES: readonly [ContainerName, number, Layout][] = [
  ["wav16", 8_000, "mono"],
  ["wav16", 11_025, "stereo"],
  ["wav16", 48_000, "5.1"],
  ["wav24", 48_000, "stereo"],
  ["wav24", 192_000, "5.1"],
  ["wav32", 96_000, "stereo"],
  ["wavFloat", 192_000, "mono"],
  ["wavFloat", 44_100, "stereo"],
  ["flac", 8_000, "mono"],
  ["flac", 44_100, "stereo"],
  ["flac", 96_000, "5.1"],
  ["flac", 192_000, "stereo"],
  ["alac", 8_000, "mono"],
  ["alac", 48_000, "5.1"],
  ["alac", 192_000, "stereo"],
  ["aiff", 8_000, "mono"],
  ["aiff", 44_100, "stereo"],
  ["aiff", 192_000, "5.1"],
  ["wavpack", 8_000, "mono"],
  ["wavpack", 48_000, "5.1"],
  ["wavpack", 192_000, "stereo"],
  ["mp3Cbr", 44_100, "stereo"],
  ["mp3Cbr", 48_000, "stereo"],
  ["mp3Vbr", 8_000, "mono"],
  ["mp3Vbr", 44_100, "stereo"],
  ["aac", 8_000, "stereo"],
  ["aac", 44_100, "stereo"],
  ["aac", 48_000, "5.1"],
  ["aac", 96_000, "stereo"],
  ["adts", 44_100, "stereo"],
  ["vorbis", 8_000, "mono"],
  ["vorbis", 44_100, "stereo"],
  ["vorbis", 48_000, "5.1"],
  ["vorbis", 192_000, "stereo"],
  ["opus", 8_000, "mono"],
  ["opus", 48_000, "stereo"],
  ["opus", 48_000, "5.1"],
  ["webm", 48_000, "stereo"],
  ["wma", 8_000, "mono"],
  ["wma", 44_100, "stereo"],
  ["wma", 48_000, "stereo"],
  ["ac3", 32_000, "mono"],
  ["ac3", 48_000, "stereo"],
  ["ac3", 48_000, "5.1"],
];

describe.concurrent("right facts, length and level of", () => {
  test.each(CASES)("%s at %i Hz in %s", async (name, rateHz, layout) => {
    const { codec, isLossless } = CONTAINERS[name];
    const { levels, mono } = LAYOUTS[layout];
    const { media, decoded, heard } = await decode(await makeTone(name, rateHz, layout));
    // Opus is always decoded at 48 kHz.
    const nativeHz = codec === "opus" ? 48_000 : rateHz;

    expect(media).toMatchObject({ codec, channels: levels.length, sampleRateHz: nativeHz });
    expect(decoded.truncated).toBe(false);
    // Some encoders fill their last frame, which is long at low rates.
    const padding = Math.max(0.05, 1_024 / nativeHz);
    const tolerance = isLossless ? { seconds: 0, level: 0.001 } : { seconds: padding, level: 0.02 };
    expect(Math.abs(decoded.durationSeconds - SECONDS)).toBeLessThanOrEqual(tolerance.seconds);
    for (const samples of heard.native) {
      expect(samples.length / nativeHz).toBe(decoded.durationSeconds);
    }
    const audible = levels.map((level, channel) => (channel === LFE && !isLossless ? null : level));
    expectLevels(heard.native, nativeHz, audible, tolerance.level);
    expect(Math.abs((heard.mono[0]?.length ?? 0) - decoded.durationSeconds * 16_000)).toBeLessThanOrEqual(1);
    expectLevels(heard.mono, 16_000, [mono], tolerance.level);
  });
});

/** The layout's sine on each channel. */
function makeTone(name: ContainerName, rateHz: number, layout: Layout): Promise<string> {
  const { extension, words } = CONTAINERS[name];
  const waves = LAYOUTS[layout].levels.map((level) => `${level}*sin(${TONE_HZ}*2*PI*t)`);
  const source = `aevalsrc=${waves.join("|")}:d=${SECONDS}:s=${rateHz}:c=${layout}`;
  return corpus.make(`${name}-${rateHz}-${layout}.${extension}`, "-f", "lavfi", "-i", source, ...words);
}

async function decode(file: string) {
  const signal = new AbortController().signal;
  const media = await decoder.probe(file, { signal });
  const blocks = { mono: [] as AudioBlock[], native: [] as AudioBlock[] };
  const decoded = await decoder.decode(file, {
    media,
    streams: [MONO, NATIVE],
    maxSeconds: 100,
    timeoutMs: 30_000,
    signal,
    onBlock(name, block) {
      blocks[name === "mono" ? "mono" : "native"].push(block);
    },
  });
  return {
    media,
    decoded,
    heard: { mono: joined(blocks.mono, 1), native: joined(blocks.native, media.channels) },
  };
}

function joined(blocks: readonly AudioBlock[], channels: Media["channels"]): number[][] {
  return Array.from({ length: channels }, (_, channel) =>
    blocks.flatMap((block) => [...(block.channels[channel] ?? [])]),
  );
}

function expectLevels(
  channels: readonly number[][],
  rateHz: number,
  levels: readonly (number | null)[],
  tolerance: number,
): void {
  const found = channels.map((samples) => toneLevel(samples, rateHz));
  expect(found).toHaveLength(levels.length);
  for (const [channel, level] of levels.entries()) {
    if (level === null) continue;
    expect(Math.abs((found[channel] ?? Number.NaN) - level), `channel ${channel}`).toBeLessThanOrEqual(
      tolerance,
    );
  }
}

/** The amplitude of the tone in the half second from 0.5 s on: one bin of a Fourier transform. */
function toneLevel(samples: readonly number[], rateHz: number): number {
  const step = (2 * Math.PI * TONE_HZ) / rateHz;
  let [real, imaginary] = [0, 0];
  const middle = samples.slice(0.5 * rateHz, rateHz);
  for (const [i, sample] of middle.entries()) {
    real += sample * Math.cos(step * i);
    imaginary += sample * Math.sin(step * i);
  }
  return (2 * Math.hypot(real, imaginary)) / middle.length;
}
