import { readFile, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DecodeRequest, StreamSpec } from "./audio.ts";
import { createDecoder } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import { detectSandbox } from "./sandbox.ts";
import { createCorpus, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

const MONO: StreamSpec = { name: "mono", channels: 1, sampleRateHz: 16_000 };
const NATIVE: StreamSpec = { name: "native", channels: "native", sampleRateHz: "native" };

let corpus: Corpus;
let plain: Decoder;
let reference: Decoder;

beforeAll(async () => {
  corpus = await createCorpus();
  const sandbox = await detectSandbox();
  plain = createDecoder({ ffmpeg: null, sandbox });
  reference = createDecoder({ ffmpeg: { ffmpeg: "ffmpeg", ffprobe: "ffprobe" }, sandbox });
});
afterAll(() => corpus[Symbol.asyncDispose]());

const live = () => new AbortController().signal;

async function decode(decoder: Decoder, file: string, request: Partial<DecodeRequest> = {}) {
  const media = await decoder.probe(file, { signal: live() });
  const heard: Record<string, number[][]> = {};
  const decoded = await decoder.decode(file, {
    media,
    streams: [MONO, NATIVE],
    maxSeconds: 100,
    timeoutMs: 30_000,
    signal: live(),
    onBlock(name, block) {
      const stream = (heard[name] ??= block.channels.map(() => []));
      for (const [index, samples] of block.channels.entries()) stream[index]?.push(...samples);
    },
    ...request,
  });
  return { media, decoded, heard };
}

/** Different channels, so that a mix-up of two of them is seen. */
const voices = (channels: number) =>
  Array.from({ length: channels }, (_, i) => `0.${9 - i}*sin(${220 * (i + 1)}*2*PI*t)`).join("|");

describe("the same as ffmpeg", () => {
  test.each([
    ["pcm_u8", 1, "mono"],
    ["pcm_s16le", 1, "mono"],
    ["pcm_s16le", 2, "stereo"],
    ["pcm_s24le", 2, "stereo"],
    ["pcm_s32le", 2, "stereo"],
    ["pcm_f32le", 1, "mono"],
    ["pcm_f32le", 2, "stereo"],
    ["pcm_s16le", 4, "quad"],
    ["pcm_s24le", 6, "5.1(side)"],
  ])("%s with %i channels (%s)", async (codec, channels, layout) => {
    const wave = `aevalsrc=${voices(channels)}:d=1.2:s=16000:c=${layout}`;
    const file = await corpus.make(`${codec}-${channels}.wav`, "-f", "lavfi", "-i", wave, "-c:a", codec);
    const ours = await decode(plain, file);
    const theirs = await decode(reference, file);
    expect(ours.media).toEqual(theirs.media);
    expect(ours.decoded).toEqual(theirs.decoded);
    expect(ours.heard["native"]).toEqual(theirs.heard["native"]);
    expectClose(ours.heard["mono"]?.[0], theirs.heard["mono"]?.[0], channels > 2 ? 1e-6 : 0);
  });

  test("another sample rate becomes the same signal at 16 kHz", async () => {
    const file = await corpus.make(
      "cd.wav",
      ...sine({ seconds: 1, rateHz: 44_100, channels: 2, amplitude: 0.8 }),
    );
    const ours = await decode(plain, file);
    const theirs = await decode(reference, file);
    const inner = (samples: number[] = []) => samples.slice(500, 15_500);
    expectClose(inner(ours.heard["mono"]?.[0]), inner(theirs.heard["mono"]?.[0]), 1e-3);
    expect(ours.heard["mono"]?.[0]).toHaveLength(16_000);
  });
});

describe("headers that lie", () => {
  test("a file that ends early is truncated", async () => {
    const file = await corpus.make("cut.wav", ...sine({ seconds: 2, rateHz: 16_000 }));
    await truncate(file, 44_001);
    const { decoded } = await decode(plain, file);
    expect(decoded).toMatchObject({ truncated: true, declaredSeconds: 2 });
    expect(decoded.durationSeconds).toBeCloseTo(1.37, 2);
  });

  test("less than half is decode_failed, and so is a header without samples", async () => {
    const file = await corpus.make("stub.wav", ...sine({ seconds: 2, rateHz: 16_000 }));
    await truncate(file, 20_000);
    await expect(decode(plain, file)).rejects.toMatchObject({ code: "decode_failed" });
    await truncate(file, 78);
    await expect(decode(plain, file)).rejects.toMatchObject({ code: "decode_failed" });
    await truncate(file, 30);
    await expect(decode(plain, file)).rejects.toMatchObject({ code: "decode_failed" });
  });

  test("a size that a streaming writer never filled in is read to the end of the file", async () => {
    const file = await corpus.make("stream.wav", ...sine({ seconds: 1, rateHz: 16_000 }));
    const bytes = await readFile(file);
    bytes.writeUInt32LE(0xffff_ffff, bytes.indexOf("data") + 4);
    await writeFile(file, bytes);
    const { media, decoded } = await decode(plain, file);
    expect(media.durationSeconds).toBeNull();
    expect(decoded).toEqual({ durationSeconds: 1, truncated: false });
  });

  test.each([
    ["no channels", 22, 0],
    ["more channels than anybody has", 22, 60_000],
    ["a codec", 20, 2],
    ["a frame size that doesn't fit", 32, 3],
    ["odd bits", 34, 12],
  ])("%s is unsupported_media", async (name, offset, value) => {
    const file = await corpus.make(`${name}.wav`, ...sine({ seconds: 1, rateHz: 16_000 }));
    const bytes = await readFile(file);
    bytes.writeUInt16LE(value, offset);
    await writeFile(file, bytes);
    await expect(plain.probe(file, { signal: live() })).rejects.toMatchObject({ code: "unsupported_media" });
  });
});

describe("without ffmpeg", () => {
  test("anything but PCM WAV is unsupported_media, with the way to install ffmpeg", async () => {
    const file = await corpus.make("music.mp3", ...sine({ seconds: 1, rateHz: 44_100 }));
    const failure = plain.probe(file, { signal: live() });
    await expect(failure).rejects.toMatchObject({
      code: "unsupported_media",
      message: expect.stringContaining("apt-get install ffmpeg"),
    });
  });

  test("the cap holds for what is declared and for what is there", async () => {
    const file = await corpus.make("long.wav", ...sine({ seconds: 3, rateHz: 8_000 }));
    await expect(decode(plain, file, { maxSeconds: 2 })).rejects.toMatchObject({ code: "input_too_long" });
    const media = { ...(await plain.probe(file, { signal: live() })), durationSeconds: null };
    await expect(decode(plain, file, { maxSeconds: 2, media })).rejects.toMatchObject({
      code: "input_too_long",
    });
    expect((await decode(plain, file, { maxSeconds: 3 })).decoded.durationSeconds).toBe(3);
  });

  test("a sample that is not a number is decode_failed", async () => {
    const file = await corpus.make("nan.wav", ...sine({ seconds: 1, rateHz: 8_000 }), "-c:a", "pcm_f32le");
    const bytes = await readFile(file);
    bytes.writeFloatLE(Number.POSITIVE_INFINITY, bytes.length - 40);
    await writeFile(file, bytes);
    await expect(decode(plain, file)).rejects.toMatchObject({ code: "decode_failed" });
  });

  test("an abort ends the reading with its reason", async () => {
    const file = await corpus.make("abort.wav", ...sine({ seconds: 3, rateHz: 8_000 }));
    const control = new AbortController();
    const onBlock = () => control.abort(new Error("enough"));
    await expect(decode(plain, file, { signal: control.signal, onBlock })).rejects.toThrow("enough");
  });
});

function expectClose(actual: number[] = [], expected: number[] = [], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce(
    (error, sample, i) => Math.max(error, Math.abs(sample - (expected[i] ?? Number.NaN))),
    0,
  );
  expect(worst).toBeLessThanOrEqual(tolerance);
}
