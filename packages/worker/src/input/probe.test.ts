import { readFile, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probeWithFfmpeg } from "./probe.ts";
import { detectSandbox } from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { createCorpus, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

const ffmpeg = { ffmpeg: "ffmpeg", ffprobe: "ffprobe" };

let corpus: Corpus;
let sandbox: Sandbox;

beforeAll(async () => {
  corpus = await createCorpus();
  sandbox = await detectSandbox();
});
afterAll(() => corpus[Symbol.asyncDispose]());

const probe = (file: string, signal = new AbortController().signal) =>
  probeWithFfmpeg(file, { ffmpeg, sandbox, signal });

describe("what isn't audio", () => {
  test.each([
    ["no bytes", ""],
    ["text", "This is not audio. ".repeat(20_000)],
    ["zeros", new Uint8Array(300_000)],
    [
      "noise",
      Uint8Array.from({ length: 300_000 }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 13) & 0xff),
    ],
  ])("%s named .mp3 is unsupported_media", async (name, content) => {
    const file = await corpus.write(`${name}.mp3`, content);
    await expect(probe(file)).rejects.toMatchObject({ code: "unsupported_media" });
  });

  test("a picture is unsupported_media", async () => {
    const file = await corpus.make(
      "picture.png",
      "-f",
      "lavfi",
      "-i",
      "color=d=0.04:s=16x16",
      "-frames:v",
      "1",
    );
    await expect(probe(file)).rejects.toMatchObject({ code: "unsupported_media" });
  });

  test("a directory is unsupported_media", async () => {
    await expect(probe(corpus.path("."))).rejects.toMatchObject({ code: "unsupported_media" });
  });

  test("a video without sound is no_audio", async () => {
    const file = await corpus.make("mute.mp4", "-f", "lavfi", "-i", "color=d=1:s=16x16:r=5");
    await expect(probe(file)).rejects.toMatchObject({ code: "no_audio" });
  });

  test("an MP4 whose end is missing is decode_failed", async () => {
    const file = await corpus.make("cut.m4a", ...sine({ seconds: 2, rateHz: 44_100 }));
    await truncate(file, 8_000);
    await expect(probe(file)).rejects.toMatchObject({ code: "decode_failed" });
  });

  test.each([
    ["hls", (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${target}\n#EXT-X-ENDLIST\n`],
    ["concat", (target: string) => `ffconcat version 1.0\nfile '${target}'\n`],
  ])(
    "a playlist (%s) named .mp3 is refused, and nothing of the file that it points at is told",
    async (name, list) => {
      const target = await corpus.make("secret.wav", ...sine({ seconds: 2, rateHz: 44_100 }));
      const file = await corpus.write(`${name}.mp3`, list(target));
      const failure = await probe(file).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "unsupported_media" });
      expect(JSON.stringify(failure)).not.toContain("secret");
    },
  );

  test("a name that looks like a protocol or an option is a name", async () => {
    const made = await corpus.make("plain.wav", ...sine({ seconds: 1, rateHz: 8_000 }));
    const file = await corpus.write("concat:-x|http:%03d.wav".replaceAll("/", ""), await readFile(made));
    expect(await probe(file)).toMatchObject({ durationSeconds: 1 });
  });
});

describe("facts", () => {
  test("format, codec, channels, layout, rate and length are told", async () => {
    const file = await corpus.make("facts.flac", ...sine({ seconds: 1.5, rateHz: 48_000, channels: 6 }));
    expect(await probe(file)).toEqual({
      format: "flac",
      codec: "flac",
      channels: 6,
      channelLayout: "5.1",
      sampleRateHz: 48_000,
      durationSeconds: 1.5,
    });
  });

  test("a cut WAV is as long as its header says", async () => {
    const file = await corpus.make("cut.wav", ...sine({ seconds: 2, rateHz: 16_000 }));
    await truncate(file, 20_000);
    expect(await probe(file)).toMatchObject({ durationSeconds: 2, channelLayout: "mono" });
  });

  test("a length that is only guessed from the bit rate is not told", async () => {
    const words = ["-q:a", "5", "-write_xing", "0"];
    const file = await corpus.make("guess.mp3", ...sine({ seconds: 2, rateHz: 44_100 }), ...words);
    expect(await probe(file)).toMatchObject({ durationSeconds: null });
  });

  test("cover art does not hide the audio", async () => {
    const cover = await corpus.make(
      "cover.png",
      "-f",
      "lavfi",
      "-i",
      "color=d=0.04:s=16x16",
      "-frames:v",
      "1",
    );
    const words = [...sine({ seconds: 1, rateHz: 44_100 }), "-i", cover, "-map", "0:a", "-map", "1:v"];
    const file = await corpus.make("cover.mp3", ...words, "-c:v", "copy", "-disposition:v", "attached_pic");
    expect(await probe(file)).toMatchObject({ codec: "mp3", channels: 1 });
  });

  test("the length of a longer video is not the length of its sound", async () => {
    const words = ["-f", "lavfi", "-i", "color=d=9:s=16x16:r=2", ...sine({ seconds: 2, rateHz: 48_000 })];
    const file = await corpus.make("film.mkv", ...words);
    expect((await probe(file)).durationSeconds ?? 0).toBeLessThan(2.1);
  });

  test("a sample rate that no audio has is unsupported_media", async () => {
    const file = await corpus.make("absurd.wav", ...sine({ seconds: 1, rateHz: 8_000 }));
    const bytes = await readFile(file);
    bytes.writeUInt32LE(2_000_000_000, 24);
    await writeFile(file, bytes);
    await expect(probe(file)).rejects.toMatchObject({ code: "unsupported_media" });
  });

  test("an aborted signal is the answer", async () => {
    const file = await corpus.make("late.wav", ...sine({ seconds: 1, rateHz: 8_000 }));
    await expect(probe(file, AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
  });
});
