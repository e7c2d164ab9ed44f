import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { DecodeRequest, Media, StreamSpec } from "./audio.ts";
import { decodeWithFfmpeg } from "./decode.ts";
import { probeWithFfmpeg } from "./probe.ts";
import { detectSandbox } from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { createCorpus, processesOf, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

const ffmpeg = { ffmpeg: "ffmpeg", ffprobe: "ffprobe" };
const MONO: StreamSpec = { name: "mono", channels: 1, sampleRateHz: 16_000 };
const NATIVE: StreamSpec = { name: "native", channels: "native", sampleRateHz: "native" };

let corpus: Corpus;
let sandbox: Sandbox;

beforeAll(async () => {
  corpus = await createCorpus();
  sandbox = await detectSandbox();
});
afterAll(() => corpus[Symbol.asyncDispose]());

const live = () => new AbortController().signal;
const probe = (file: string) => probeWithFfmpeg(file, { ffmpeg, sandbox, signal: live() });

async function decode(file: string, request: Partial<DecodeRequest> = {}) {
  const media = request.media ?? (await probe(file));
  const whole: DecodeRequest = {
    media,
    streams: [MONO],
    onBlock() {},
    maxSeconds: 14_400,
    timeoutMs: 30_000,
    signal: live(),
    ...request,
  };
  return await decodeWithFfmpeg(file, whole, { ffmpeg, sandbox });
}

/** Every sample of every stream, channel by channel. */
async function collect(file: string, streams: readonly StreamSpec[]) {
  const heard: Record<string, number[][]> = {};
  const decoded = await decode(file, {
    streams,
    onBlock(name, block) {
      const stream = (heard[name] ??= block.channels.map(() => []));
      for (const [index, samples] of block.channels.entries()) stream[index]?.push(...samples);
    },
  });
  return { decoded, of: (name: string) => heard[name] ?? [] };
}

// Each format's length and level: formats.test.ts.
describe("samples", () => {
  test("a short lossy file is not taken for a truncated one because of its encoder's padding", async () => {
    const file = await corpus.make("short.mp3", ...sine({ seconds: 0.2, rateHz: 44_100 }));
    expect(await decode(file)).toMatchObject({ truncated: false });
  });

  test("16 kHz float WAV arrives bit by bit", async () => {
    const words = sine({ seconds: 1.3, rateHz: 16_000 });
    const file = await corpus.make("exact.wav", ...words, "-c:a", "pcm_f32le");
    const raw = await readFile(await corpus.make("exact.f32", ...words, "-f", "f32le"));
    const expected = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
    const [samples] = (await collect(file, [MONO])).of("mono");
    expect(Float32Array.from(samples ?? [])).toEqual(expected);
  });

  test("channels of a native stream are kept apart and in order", async () => {
    const wave = "aevalsrc=0.1|0.2|0.3|0.4:d=0.7:s=8000:c=quad";
    const file = await corpus.make("quad.wav", "-f", "lavfi", "-i", wave, "-c:a", "pcm_f32le");
    const channels = (await collect(file, [NATIVE])).of("native");
    expect(channels.map((samples) => samples.at(-1)?.toFixed(3))).toEqual([
      "0.100",
      "0.200",
      "0.300",
      "0.400",
    ]);
  });

  test("nine channels without names are averaged, which ffmpeg alone refuses to do", async () => {
    const file = await corpus.make(
      "nine.wav",
      ...sine({ seconds: 1, rateHz: 16_000, channels: 9, amplitude: 0.9 }),
    );
    const [samples = []] = (await collect(file, [MONO])).of("mono");
    expect(Math.max(...samples)).toBeCloseTo(0.9, 2);
  });
});

describe("damage", () => {
  test.each([
    ["cut.wav", [], 0.8],
    ["cut.flac", [], 0.8],
    ["cut.aiff", [], 0.8],
    ["cut.mp3", [], 0.8],
    ["cut.mka", ["-c:a", "libvorbis"], 0.8],
    ["cut.m4a", ["-movflags", "+faststart"], 0.8],
  ])("%s that ends early is truncated, and its announced length is told", async (name, words, kept) => {
    // Noise: silence and tones would compress to so little that the end of the file is all header.
    const file = await corpus.make(name, "-f", "lavfi", "-i", "anoisesrc=d=10:r=44100:seed=1", ...words);
    await truncate(file, Math.floor((await stat(file)).size * kept));
    const decoded = await decode(file);
    expect(decoded).toMatchObject({ truncated: true });
    expect(decoded.declaredSeconds).toBeCloseTo(10, 0);
    expect(decoded.durationSeconds).toBeGreaterThan(7);
  });

  test("a file of which less than half is left is decode_failed", async () => {
    const file = await corpus.make("stub.wav", ...sine({ seconds: 4, rateHz: 16_000 }));
    await truncate(file, 40_000);
    await expect(decode(file)).rejects.toMatchObject({ code: "decode_failed" });
  });

  test("what the decoder said is told, without the file's path", async () => {
    const file = await corpus.make("broken.wav", ...sine({ seconds: 2, rateHz: 16_000 }));
    const media = await probe(file);
    await writeFile(file, "no longer audio ".repeat(500));
    const failure = await decode(file, { media }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "decode_failed",
      detail: { decoder: "input: Invalid data found when processing input" },
    });
  });

  test("a sample that is not a number is decode_failed", async () => {
    const file = await corpus.make("nan.wav", ...sine({ seconds: 1, rateHz: 16_000 }), "-c:a", "pcm_f32le");
    const bytes = await readFile(file);
    bytes.writeFloatLE(Number.NaN, bytes.length - 400);
    await writeFile(file, bytes);
    await expect(decode(file)).rejects.toMatchObject({ code: "decode_failed" });
  });
});

describe("limits", () => {
  test("what the headers announce over the cap is refused before anything is decoded", async () => {
    const file = await corpus.make("declared.flac", ...sine({ seconds: 3, rateHz: 16_000 }));
    const onBlock = vi.fn();
    await expect(decode(file, { maxSeconds: 2.9, onBlock })).rejects.toMatchObject({
      code: "input_too_long",
    });
    expect(onBlock).not.toHaveBeenCalled();
  });

  test("two hours in a file that hides its length are stopped at the cap", async () => {
    const file = await corpus.make("bomb.flac", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "7200");
    const media: Media = { ...(await probe(file)), durationSeconds: null };
    let frames = 0;
    const onBlock = (_: string, block: { channels: readonly Float32Array[] }) => {
      frames += block.channels[0]?.length ?? 0;
    };
    await expect(decode(file, { media, maxSeconds: 5, onBlock })).rejects.toMatchObject({
      code: "input_too_long",
    });
    expect(frames).toBeLessThanOrEqual(5 * 16_000);
    expect(await processesOf(file)).toEqual([]);
  });

  test("audio of exactly the cap is read to its end", async () => {
    const file = await corpus.make("exactly.wav", ...sine({ seconds: 2, rateHz: 22_050 }));
    expect(await decode(file, { maxSeconds: 2, streams: [MONO, NATIVE] })).toMatchObject({
      durationSeconds: 2,
    });
  });

  test("two streams of which one is slow both arrive whole, one block at a time each", async () => {
    const file = await corpus.make("pair.wav", ...sine({ seconds: 30, rateHz: 44_100, channels: 2 }));
    const heard: Record<string, number> = { mono: 0, native: 0 };
    const busy: Record<string, number> = { mono: 0, native: 0 };
    await decode(file, {
      streams: [MONO, NATIVE],
      async onBlock(name, block) {
        busy[name] = (busy[name] ?? 0) + 1;
        expect(busy[name]).toBe(1);
        if (name === "mono") await turns(50);
        heard[name] = (heard[name] ?? 0) + (block.channels[0]?.length ?? 0);
        busy[name] = 0;
      },
    });
    expect(heard).toEqual({ mono: 480_000, native: 1_323_000 });
  });

  test("a decoder that says nothing for its whole budget is decode_failed", async () => {
    const file = await corpus.make("stuck.flac", ...longNoise());
    const decoding = decode(file, { timeoutMs: 600, onBlock: onlyOnce(() => stopDecoder(file)) });
    await expect(decoding).rejects.toMatchObject({ code: "decode_failed", detail: { limit_seconds: 0.6 } });
    expect(await processesOf(file)).toEqual([]);
  });
});

describe("ends", () => {
  test("an abort kills the decoder at once, even one that is stopped, and rejects with its reason", async () => {
    const file = await corpus.make("abort.flac", ...longNoise());
    const control = new AbortController();
    const reason = new Error("canceled by the test");
    const onBlock = onlyOnce(async () => {
      await stopDecoder(file);
      control.abort(reason);
    });
    await expect(decode(file, { signal: control.signal, onBlock })).rejects.toBe(reason);
    expect(await processesOf(file)).toEqual([]);
  });

  test("an abort does not wait for a consumer that hangs", async () => {
    const file = await corpus.make("hang.wav", ...sine({ seconds: 2, rateHz: 16_000 }));
    const control = new AbortController();
    const onBlock = () => {
      control.abort(new Error("enough"));
      return new Promise<void>(() => {});
    };
    await expect(decode(file, { signal: control.signal, onBlock })).rejects.toThrow("enough");
    expect(await processesOf(file)).toEqual([]);
  });

  test("a consumer that throws ends the decoder, and its error is the result", async () => {
    const file = await corpus.make("throw.flac", ...longNoise());
    const onBlock = () => Promise.reject(new Error("the consumer broke"));
    await expect(decode(file, { onBlock })).rejects.toThrow("the consumer broke");
    expect(await processesOf(file)).toEqual([]);
  });

  test("an aborted signal starts nothing", async () => {
    const file = await corpus.make("never.wav", ...sine({ seconds: 1, rateHz: 16_000 }));
    const media = await probe(file);
    const onBlock = vi.fn();
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(decode(file, { media, signal, onBlock })).rejects.toThrow("too late");
    expect(onBlock).not.toHaveBeenCalled();
  });

  test("a decoder that is missing on this machine is our fault, not the input's", async () => {
    const file = await corpus.make("fine.wav", ...sine({ seconds: 1, rateHz: 16_000 }));
    const media = await probe(file);
    const missing = { ffmpeg: "/nowhere/ffmpeg", ffprobe: "/nowhere/ffprobe" };
    const request = {
      media,
      streams: [MONO],
      onBlock() {},
      maxSeconds: 10,
      timeoutMs: 5_000,
      signal: live(),
    };
    for (const each of [sandbox, { ...sandbox, namespaces: [], privileges: [], hasLimits: false }]) {
      const failure = decodeWithFfmpeg(file, request, { ffmpeg: missing, sandbox: each });
      await expect(failure).rejects.toThrow("could not be started");
    }
  });

  test("the decoder dies with a worker that gets SIGKILL", async ({ skip }) => {
    if (!sandbox.diesWithParent) skip();
    const file = await corpus.make("orphan.flac", ...longNoise());
    const media = await probe(file);
    const worker = spawn(
      process.execPath,
      ["--input-type=module", "-e", hangingWorker(file, media, sandbox)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(worker.stdout, "data");
    const [decoder = 0] = (await processesOf(file)).filter((pid) => pid !== worker.pid);
    expect(decoder).toBeGreaterThan(0);
    // Stopped, it can't notice that its pipes are gone: only the kernel ends it.
    process.kill(decoder, "SIGSTOP");
    worker.kill("SIGKILL");
    await once(worker, "exit");
    await vi.waitFor(async () => expect(await processesOf(file)).toEqual([]));
  });
});

/** A decoder of this is still at work when its first block arrives: it can't have written it all to its pipes. */
function longNoise(): string[] {
  return ["-f", "lavfi", "-i", "anoisesrc=d=60:r=44100:seed=2"];
}

/** Lets everything else run first, so many times over. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

function onlyOnce(act: () => void | Promise<void>): () => void | Promise<void> {
  let isFirst = true;
  return () => {
    if (!isFirst) return;
    isFirst = false;
    return act();
  };
}

async function stopDecoder(file: string): Promise<void> {
  for (const pid of await processesOf(file)) process.kill(pid, "SIGSTOP");
}

/** A worker that says "ready" with its first block and never takes another. */
function hangingWorker(file: string, media: Media, confined: Sandbox): string {
  const module = new URL("decode.ts", import.meta.url).href;
  const request = JSON.stringify({ media, streams: [MONO], maxSeconds: 100, timeoutMs: 60_000 });
  return `
    import { decodeWithFfmpeg } from ${JSON.stringify(module)};
    const signal = new AbortController().signal;
    const onBlock = () => { console.log("ready"); return new Promise(() => {}); };
    setInterval(() => {}, 1_000);
    await decodeWithFfmpeg(${JSON.stringify(file)}, { ...${request}, signal, onBlock },
      { ffmpeg: ${JSON.stringify(ffmpeg)}, sandbox: ${JSON.stringify(confined)} });
  `;
}
