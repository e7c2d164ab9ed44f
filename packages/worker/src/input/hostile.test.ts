import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DecodeRequest } from "./audio.ts";
import type { Decoder } from "./decoder.ts";
import { CONTAINERS, CONTAINER_NAMES } from "./testing/containers.ts";
import type { ContainerName } from "./testing/containers.ts";
import { createCorpus, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";
import { watchMemory } from "./testing/memory-watch.ts";
import { createPipeline, HONEST_ENDINGS, listAll } from "./testing/pipeline.ts";
import type { Ending, Pipeline } from "./testing/pipeline.ts";

const execute = promisify(execFile);

const LONGEST_MS = 20_000;

let corpus: Corpus;
let pipeline: Pipeline;

beforeAll(async () => {
  [corpus, pipeline] = await Promise.all([createCorpus(), createPipeline()]);
});
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await corpus[Symbol.asyncDispose]();
});

/** Runs a file, and makes sure of what holds however that ends: no lane dies, no child is left, nothing is written. */
const run: Pipeline["run"] = async (file, request) => {
  const lanes = pipeline.lanePids();
  // Children work in the root directory.
  const before = await listAll(["/"]);
  const outcome = await pipeline.run(file, request);
  expect(pipeline.lanePids()).toEqual(lanes);
  expect(await pipeline.strayChildren()).toEqual([]);
  expect(await listAll(["/"])).toEqual(before);
  expect(outcome.milliseconds).toBeLessThan(LONGEST_MS);
  return outcome;
};

/** Of a bare stream nobody knows where it should have ended; an MP4 has its index at its end. */
const ENDINGS_OF_CUT: Partial<Record<ContainerName, Ending>> = {
  adts: "whole",
  ac3: "whole",
  vorbis: "whole",
  opus: "whole",
  aac: "decode_failed",
  alac: "decode_failed",
};

/** Spares the child that reads the tags where the fuzz shows it the same kind of file. */
const noTags = async () => ({});

/** Noise in a format: nothing of it compresses to a file that is all header. */
function makeNoise(name: ContainerName, seconds: number): Promise<string> {
  const { extension, words } = CONTAINERS[name];
  const noise = `anoisesrc=d=${seconds}:r=44100:seed=1:a=0.3`;
  return corpus.make(`${name}-noise.${extension}`, "-f", "lavfi", "-i", noise, ...words);
}

/** Rewrites a file in place. */
async function edit(file: string, change: (bytes: Buffer) => void): Promise<string> {
  const bytes = await readFile(file);
  change(bytes);
  await writeFile(file, bytes);
  return file;
}

describe("what is no audio", () => {
  test.each([
    ["no bytes", new Uint8Array()],
    ["one byte", Uint8Array.of(0xff)],
    ["text", "This is not audio. ".repeat(20_000)],
    ["zeros", new Uint8Array(300_000)],
    ["a ZIP archive", Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(5_000)])],
    ["a script", "#!/bin/sh\ntouch /earshot-was-here\n"],
  ])("%s is unsupported_media, whatever it is called", async (name, content) => {
    for (const extension of ["mp3", "m4a"]) {
      const file = await corpus.write(`${name.replaceAll(" ", "-")}.${extension}`, content);
      expect(await run(file)).toMatchObject({ ending: "unsupported_media" });
    }
  });

  test("a picture is unsupported_media", async () => {
    const words = ["-f", "lavfi", "-i", "testsrc=d=0.04:s=64x64", "-frames:v", "1"];
    expect(await run(await corpus.make("picture.png", ...words))).toMatchObject({
      ending: "unsupported_media",
    });
    expect(await run(await corpus.make("picture.jpg", ...words))).toMatchObject({
      ending: "unsupported_media",
    });
  });

  test.each(["mp4", "mkv", "webm"])("a video (%s) without sound is no_audio", async (extension) => {
    const file = await corpus.make(`mute.${extension}`, "-f", "lavfi", "-i", "color=d=1:s=16x16:r=5");
    expect(await run(file)).toMatchObject({ ending: "no_audio" });
  });

  test("a directory is unsupported_media", async () => {
    expect(await run(corpus.path("."))).toMatchObject({ ending: "unsupported_media" });
  });
});

describe("damage", () => {
  test.each(CONTAINER_NAMES)(
    "%s that is cut anywhere ends with a documented code or as truncated",
    async (name) => {
      const whole = await readFile(await makeNoise(name, 5));
      const cut = (kept: number) => corpus.write(`cut-${name}`, whole.subarray(0, whole.length * kept));
      const most = await run(await cut(0.8), { readTags: noTags });
      expect(most.ending).toBe(ENDINGS_OF_CUT[name] ?? "truncated");
      const hardlyAny = await run(await cut(0.01), { readTags: noTags });
      expect(HONEST_ENDINGS).toContain(hardlyAny.ending);
    },
  );

  test.each(CONTAINER_NAMES)(
    "%s with flipped bytes ends with a documented code or in a result",
    async (name) => {
      const bytes = await readFile(await makeNoise(name, 2));
      const flipped = Uint8Array.from(bytes, (byte, i) => (i % 101 === 100 ? byte ^ 0xff : byte));
      const file = await corpus.write(`flipped-${name}`, flipped);
      const { ending, taskErrors } = await run(file, { readTags: noTags });
      expect(HONEST_ENDINGS).toContain(ending);
      expect(taskErrors.filter((code) => code !== "input_too_short")).toEqual([]);
    },
  );
});

describe("headers that lie", () => {
  const tone = (name: ContainerName) => {
    const { extension, words } = CONTAINERS[name];
    return corpus.make(`lie-${name}.${extension}`, ...sine({ seconds: 4, rateHz: 16_000 }), ...words);
  };
  const dataSize = (bytes: Buffer) => bytes.indexOf("data") + 4;

  test.each<[string, ContainerName, (bytes: Buffer) => void, object]>([
    ["a WAV of more data", "wav16", (b) => b.writeUInt32LE(160_000, dataSize(b)), truncatedTo(4, 5)],
    ["a WAV of ten times the data", "wav16", (b) => b.writeUInt32LE(1_280_000, dataSize(b)), failed()],
    ["a WAV of 4 GB", "wav16", (b) => b.writeUInt32LE(0xffff_fff0, dataSize(b)), tooLong()],
    ["a WAV of less data", "wav16", (b) => b.writeUInt32LE(64_000, dataSize(b)), whole(2)],
    ["a WAV of no data", "wav16", (b) => b.writeUInt32LE(0, dataSize(b)), whole(4)],
    ["a RIFF of nothing", "wav16", (b) => b.writeUInt32LE(0, 4), whole(4)],
    ["a RIFF of 4 GB", "wav16", (b) => b.writeUInt32LE(0xffff_ffff, 4), whole(4)],
    ["a FLAC of 5 s", "flac", (b) => setFlacSamples(b, 80_000), truncatedTo(4, 5)],
    ["a FLAC of 40 s", "flac", (b) => setFlacSamples(b, 640_000), failed()],
    ["a FLAC of 5 h", "flac", (b) => setFlacSamples(b, 5 * 3_600 * 16_000), tooLong()],
    ["a FLAC of 1 s", "flac", (b) => setFlacSamples(b, 16_000), whole(4)],
    ["a FLAC of no known length", "flac", (b) => setFlacSamples(b, 0), whole(4)],
    [
      "an MP3 of 25 % more frames",
      "mp3Vbr",
      (b) => scaleField(b, xingFrames(b), 1.25),
      { ending: "truncated" },
    ],
    ["an MP3 of 10 times the frames", "mp3Vbr", (b) => scaleField(b, xingFrames(b), 10), failed()],
    ["an MP3 of 4 billion frames", "mp3Vbr", (b) => b.writeUInt32BE(0xffff_fff0, xingFrames(b)), tooLong()],
    ["an MP3 of one frame", "mp3Vbr", (b) => b.writeUInt32BE(1, xingFrames(b)), { ending: "whole" }],
    // The table of frames tells how long they are, whatever the header above it says.
    ["an M4A with a header of days", "alac", (b) => b.writeUInt32BE(0xffff_fff0, mdhdDuration(b)), whole(4)],
    ["an M4A with a header of nothing", "alac", (b) => b.writeUInt32BE(0, mdhdDuration(b)), whole(4)],
    ["an M4A whose frames last longer", "alac", (b) => scaleField(b, sttsDelta(b), 4), failed()],
    ["an M4A of 4 billion frames", "alac", (b) => b.writeUInt32BE(0xffff_fff0, sttsDelta(b) - 4), whole(4)],
  ])("%s", async (_name, container, lie, expected) => {
    expect(await run(await edit(await tone(container), lie))).toMatchObject(expected);
  });

  test.each<[string, (bytes: Buffer) => void]>([
    ["no rate", (b) => b.writeUInt32LE(0, 24)],
    ["a rate of 2 GHz", (b) => b.writeUInt32LE(2_000_000_000, 24)],
    ["a rate of 4 Hz", (b) => b.writeUInt32LE(4, 24)],
    ["no channels", (b) => b.writeUInt16LE(0, 22)],
    ["60,000 channels", (b) => b.writeUInt16LE(60_000, 22)],
    ["512 channels", (b) => b.writeUInt16LE(512, 22)],
    ["no bits", (b) => b.writeUInt16LE(0, 34)],
    ["frames of no bytes", (b) => b.writeUInt16LE(0, 32)],
  ])("a WAV of %s ends with a documented code", async (_name, lie) => {
    const { ending } = await run(await edit(await tone("wav16"), lie));
    expect(HONEST_ENDINGS).toContain(ending);
  });

  test("the most channels at the highest rate that are let in take bounded memory", async () => {
    const bytesPerSecond = 64 * 2 * 768_000;
    const file = await edit(await tone("wav16"), (bytes) => {
      bytes.writeUInt16LE(64, 22);
      bytes.writeUInt32LE(768_000, 24);
      bytes.writeUInt16LE(128, 32);
      bytes.writeUInt32LE(bytesPerSecond, dataSize(bytes));
    });
    await truncate(file, bytesPerSecond);
    using watch = watchMemory();
    const before = watch.peaks().ownMb;
    const { ending } = await run(file);
    const { ownMb, childrenMb } = watch.peaks();
    expect(ending).toBe("whole");
    expect(ownMb - before).toBeLessThan(128);
    expect(Math.max(...Object.values(childrenMb))).toBeLessThan(256);
  });

  test("an M4A of 2^31 entries in a table is refused without room being made for them", async () => {
    const file = await edit(await tone("alac"), (b) => b.writeUInt32BE(0x7fff_ffff, b.indexOf("stsz") + 12));
    using watch = watchMemory();
    const { ending } = await run(file);
    expect(HONEST_ENDINGS).toContain(ending);
    expect(Math.max(...Object.values(watch.peaks().childrenMb))).toBeLessThan(512);
  });
});

describe("a file that points at another", () => {
  const SECRET_SECONDS = 2;
  let secret: string;
  beforeAll(async () => {
    const words = sine({ seconds: SECRET_SECONDS, rateHz: 16_000 });
    secret = await corpus.make("secret.wav", ...words);
    await corpus.make("secret.ts", ...words);
  });

  const hls = (address: string) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${address}\n#EXT-X-ENDLIST\n`;
  const concat = (address: string) => `ffconcat version 1.0\nfile '${address}'\n`;
  const dash = (address: string) =>
    `<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="audio/mp4">` +
    `<Representation id="a" bandwidth="1"><BaseURL>${address}</BaseURL></Representation></AdaptationSet></Period></MPD>`;

  test.each<[string, () => string]>([
    ["HLS of a segment beside it", () => hls("secret.ts")],
    ["HLS of a path", () => hls(secret.replace(".wav", ".ts"))],
    ["HLS of a file: address", () => hls(`file://${secret}`)],
    ["HLS of a data: address", () => hls("data:audio/wav;base64,UklGRg==")],
    ["HLS of a server on this machine", () => hls("http://127.0.0.1:9/secret.ts")],
    ["ffconcat of a file beside it", () => concat("secret.wav")],
    ["ffconcat of a path", () => concat(secret)],
    ["ffconcat of subfile:", () => concat(`subfile,,start,0,end,99999,,:${secret}`)],
    ["DASH", () => dash(secret)],
    [
      "SDP",
      () => "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=secret\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
    ["a plain list", () => `${secret}\n`],
  ])("%s is unsupported_media, and nothing of the other file is told", async (name, list) => {
    for (const extension of ["mp3", "m3u8", "txt"]) {
      const file = await corpus.write(`${name.replaceAll(/\W+/g, "-")}.${extension}`, list());
      const outcome = await run(file);
      expect(outcome).toMatchObject({ ending: "unsupported_media", analysis: null });
      expect(JSON.stringify(outcome.error)).not.toContain("secret");
    }
  });

  test("ffmpeg by itself plays the other file from behind the name .mp3: the tests above can fail", async () => {
    for (const list of [hls("secret.ts"), concat("secret.wav")]) {
      const words = ["-v", "error", "-i", await corpus.write("played.mp3", list), "-f", "f32le", "pipe:1"];
      const { stdout } = await execute("ffmpeg", words, { encoding: "buffer", maxBuffer: 1024 ** 2 });
      expect(stdout.length / 4 / 16_000).toBeCloseTo(SECRET_SECONDS, 0);
    }
  });

  test("a playlist behind the end of the audio plays nothing but the audio", async () => {
    const file = await corpus.make("with-tail.wav", ...sine({ seconds: 1, rateHz: 16_000 }));
    await appendFile(file, concat("secret.wav"));
    const { ending, analysis } = await run(file);
    expect({ ending, seconds: analysis?.input.duration_seconds }).toEqual({ ending: "whole", seconds: 1 });
  });
});

describe("names", () => {
  test.each([
    "http:x.wav",
    "-i.wav",
    "-version",
    "concat:a|b",
    "pipe:0",
    "data:audio,x",
    "subfile,,start,0,end,9,,:x.wav",
    "%03d.wav",
    "*.wav",
    "$(touch x).wav",
    "a\nb.wav",
    "quote'\".wav",
    "é ü 音.wav",
    "cache:tee:x",
  ])("%j is a name and nothing else", async (name) => {
    await mkdir(corpus.path("names"), { recursive: true });
    const file = join(corpus.path("names"), name);
    const made = await corpus.make("named.wav", ...sine({ seconds: 1, rateHz: 16_000 }));
    await writeFile(file, await readFile(made));
    const { ending, analysis } = await run(file);
    expect({ ending, seconds: analysis?.input.duration_seconds }).toEqual({ ending: "whole", seconds: 1 });
  });
});

test("the path of a file is not told, whatever the decoder says of it", async () => {
  const { error } = await run(await corpus.write("http:x.m4a", "no audio"));
  expect(error?.detail).toHaveProperty("decoder");
  expect(JSON.stringify(error?.detail)).not.toContain("http:x");
  expect(JSON.stringify(error?.detail)).not.toContain(corpus.path(""));
});

describe("ten hours of silence in half a megabyte", () => {
  let bomb: string;
  beforeAll(async () => {
    const silence = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "36000"];
    bomb = await corpus.make("bomb.flac", ...silence, "-c:a", "flac", "-frame_size", "9000");
  });

  test("are over the default cap, which costs next to nothing to find out", async () => {
    using watch = watchMemory();
    expect((await stat(bomb)).size).toBeLessThan(500_000);
    const { ending, milliseconds } = await run(bomb);
    const peaks = watch.peaks();
    expect(ending).toBe("input_too_long");
    expect(milliseconds).toBeLessThan(5_000);
    expect(Math.max(0, ...Object.values(peaks.childrenMb))).toBeLessThan(256);
  });

  test("are stopped at the cap where the header hides their length", async () => {
    const file = await corpus.write("hidden.flac", await readFile(bomb));
    await edit(file, (bytes) => setFlacSamples(bytes, 0));
    using watch = watchMemory();
    const { ending } = await run(file, { maxAudioSeconds: 600 });
    const peaks = watch.peaks();
    expect(ending).toBe("input_too_long");
    expect(peaks.childrenMb["ffmpeg"]).toBeLessThan(128);
  });
});

describe("strange samples", () => {
  const floats = async (name: string, change: (samples: Float32Array) => void) => {
    const file = await corpus.make(name, ...sine({ seconds: 2, rateHz: 16_000 }), "-c:a", "pcm_f32le");
    return edit(file, (bytes) => {
      const start = bytes.indexOf("data") + 8;
      const samples = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length),
      );
      change(samples);
      bytes.set(new Uint8Array(samples.buffer), start);
    });
  };

  test.each([
    ["not a number", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
    ["minus infinite", Number.NEGATIVE_INFINITY],
  ])("a sample that is %s is decode_failed", async (_name, value) => {
    const file = await floats("strange.wav", (samples) => samples.fill(value, -1));
    expect(await run(file)).toMatchObject(failed());
  });

  test("samples far over full scale, or next to nothing, give results without a hole", async () => {
    for (const value of [1e30, 3.4e38, 1e-40]) {
      const { ending, analysis } = await run(await floats("far.wav", (samples) => samples.fill(value)));
      expect(ending).toBe("whole");
      expect(numbersIn(analysis).filter((number) => !Number.isFinite(number))).toEqual([]);
    }
  });

  test("a constant is audio: its peak is its level, and there is no speech in it", async () => {
    const { ending, analysis } = await run(await floats("constant.wav", (samples) => samples.fill(0.5)));
    expect(ending).toBe("whole");
    expect(analysis?.results).toMatchObject([
      { status: "succeeded", true_peak_dbtp: expect.closeTo(-6.02, 1), silences: [] },
      { status: "succeeded", segments: [] },
    ]);
  });

  test.each(["wav16", "wavFloat", "flac", "aiff", "wavpack", "alac"] as const)(
    "one sample of %s is a result or a documented code",
    async (name) => {
      const { extension, words } = CONTAINERS[name];
      const source = sine({ seconds: 1, rateHz: 16_000 });
      const file = await corpus.make(
        `one-${name}.${extension}`,
        ...source,
        "-af",
        "atrim=end_sample=1",
        ...words,
      );
      const { ending, taskErrors } = await run(file);
      expect(["whole", "decode_failed"]).toContain(ending);
      expect(taskErrors.filter((code) => code !== "input_too_short")).toEqual([]);
    },
  );
});

describe("a file that changes while it is read", () => {
  /** The real decoder, with `act` at each block of the first stream. */
  const meddling = (act: () => Promise<void>): Decoder => ({
    ...pipeline.decoder,
    decode: (file: string, request: DecodeRequest) =>
      pipeline.decoder.decode(file, {
        ...request,
        async onBlock(stream, block) {
          await act();
          await request.onBlock(stream, block);
        },
      }),
  });
  const noise = (name: string, seconds: number) =>
    corpus.make(name, "-f", "lavfi", "-i", `anoisesrc=d=${seconds}:r=44100:seed=3`);

  test.each(["shrinks.wav", "shrinks.flac"])("%s ends as truncated or decode_failed", async (name) => {
    const file = await noise(name, 60);
    const { size } = await stat(file);
    const { ending } = await run(file, { decoder: meddling(() => truncate(file, Math.floor(size / 10))) });
    expect(["truncated", "decode_failed"]).toContain(ending);
  });

  test("one that becomes another file is none of ours to mend: a result or a documented code", async () => {
    const file = await noise("becomes.flac", 60);
    const { ending } = await run(file, {
      decoder: meddling(() => writeFile(file, "not audio ".repeat(1_000))),
    });
    expect(["truncated", "decode_failed"]).toContain(ending);
  });

  test("one that grows as fast as it is read ends at the cap", async () => {
    const file = await noise("grows.wav", 5);
    await edit(file, (bytes) => bytes.writeUInt32LE(0xffff_ffff, bytes.indexOf("data") + 4));
    const second = Buffer.alloc(2 * 44_100, 7);
    const decoder = meddling(() => appendFile(file, second));
    expect(await run(file, { decoder, maxAudioSeconds: 30 })).toMatchObject({ ending: "input_too_long" });
  });

  test("one that is emptied between two looks at it is nobody's audio", async () => {
    const file = await noise("vanishes.wav", 5);
    const decoder: Decoder = {
      ...pipeline.decoder,
      async decode(path, request) {
        await truncate(path, 0);
        return pipeline.decoder.decode(path, request);
      },
    };
    expect(await run(file, { decoder })).toMatchObject(failed());
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function whole(seconds: number) {
  return { ending: "whole", analysis: { input: { duration_seconds: seconds } } };
}

function truncatedTo(seconds: number, declared: number) {
  return {
    ending: "truncated",
    analysis: { input: { duration_seconds: seconds, declared_seconds: declared } },
  };
}

function failed() {
  return { ending: "decode_failed" };
}

function tooLong() {
  return { ending: "input_too_long" };
}

/** RFC 9639 section 8.2: 36 bits that end at byte 18 of STREAMINFO, which begins at byte 8 of the file. */
function setFlacSamples(bytes: Buffer, samples: number): void {
  bytes.writeUInt8(((bytes[21] ?? 0) & 0xf0) | Math.floor(samples / 2 ** 32), 21);
  bytes.writeUInt32BE(samples % 2 ** 32, 22);
}

function scaleField(bytes: Buffer, offset: number, factor: number): void {
  bytes.writeUInt32BE(Math.round(bytes.readUInt32BE(offset) * factor), offset);
}

/** Where LAME's header counts the frames: behind its name and its flags. */
function xingFrames(bytes: Buffer): number {
  return Math.max(bytes.indexOf("Xing"), bytes.indexOf("Info")) + 8;
}

/** ISO/IEC 14496-12, version 0 of both boxes. */
function mdhdDuration(bytes: Buffer): number {
  return bytes.indexOf("mdhd") + 20;
}

/** The duration of each of the first run of frames; the count is before it. */
function sttsDelta(bytes: Buffer): number {
  return bytes.indexOf("stts") + 16;
}
