import { chmod } from "node:fs/promises";
import { AppError, jobErrorCode } from "@earshot/shared/domain/errors";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DecodeRequest } from "./audio.ts";
import { decodeWithFfmpeg } from "./decode.ts";
import { findFfmpeg, hasSoxr, INSTALL_SOXR, withoutPath } from "./ffmpeg.ts";
import { bareSandbox } from "./sandbox.ts";
import { createCorpus } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

let corpus: Corpus;
beforeAll(async () => {
  corpus = await createCorpus();
});
afterAll(() => corpus[Symbol.asyncDispose]());

/** What a build without libsoxr does, in a script: it refuses that resampler and nothing else. */
async function buildWithoutSoxr(): Promise<string> {
  const complaint = "[SWR @ 0x5581] Requested resampling engine is unavailable";
  const script = `#!/bin/sh\ncase "$*" in *resampler=soxr*) echo '${complaint}' >&2; exit 1;; esac\n`;
  const file = await corpus.write("ffmpeg", script);
  await chmod(file, 0o755);
  return file;
}

test("a build with libsoxr has it", async () => {
  expect(await hasSoxr({ ffmpeg: "ffmpeg" })).toBe(true);
});

test("a build without it hasn't, and nor has a program that isn't there", async () => {
  expect(await hasSoxr({ ffmpeg: await buildWithoutSoxr() })).toBe(false);
  expect(await hasSoxr({ ffmpeg: corpus.path("nowhere") })).toBe(false);
});

test("a build without libsoxr is the machine's fault, not the file's, and the error says what to do", async () => {
  const request: DecodeRequest = {
    media: {
      format: "wav",
      codec: "pcm_s16le",
      channels: 1,
      channelLayout: "mono",
      sampleRateHz: 8_000,
      durationSeconds: 1,
    },
    streams: [{ name: "mono", channels: 1, sampleRateHz: 16_000 }],
    onBlock() {},
    maxSeconds: 10,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  };
  const tools = { ffmpeg: { ffmpeg: await buildWithoutSoxr(), ffprobe: "ffprobe" }, sandbox: bareSandbox() };
  const failure: unknown = await decodeWithFfmpeg("any.wav", request, tools).catch((error: unknown) => error);
  expect(failure).not.toBeInstanceOf(AppError);
  expect(jobErrorCode(failure)).toBe("internal");
  expect(failure).toMatchObject({ message: INSTALL_SOXR });
});

test("both programs are found in a search path, or none", async () => {
  expect(await findFfmpeg(`/nowhere:${process.env["PATH"]}`)).not.toBeNull();
  expect(await findFfmpeg("/nowhere")).toBeNull();
});

test("what the tool said is told without the file's path and without addresses in memory", () => {
  const said = "[mov @ 0x55b7] moov atom not found\nfile:/srv/a.m4a: Invalid data";
  expect(withoutPath(said, "/srv/a.m4a")).toBe("[mov] moov atom not found\ninput: Invalid data");
});
