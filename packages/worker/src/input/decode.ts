import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { AppError } from "@earshot/shared/domain/errors";
import { outputChannels, outputRateHz } from "./audio.ts";
import type { AudioBlock, Decoded, DecodeRequest, StreamSpec } from "./audio.ts";
import { BlockAssembler } from "./block-assembler.ts";
import { spawnChild } from "./child.ts";
import type { Exit } from "./child.ts";
import { decodeArguments } from "./decode-arguments.ts";
import { ffmpegLimits, INSTALL_SOXR, lacksSoxr, withoutPath } from "./ffmpeg.ts";
import type { FfmpegPaths } from "./ffmpeg.ts";
import { judgeLength, refuseTooLong, tooLong } from "./length.ts";
import { Patience } from "./patience.ts";
import { raceAbort } from "./race-abort.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Decodes the first audio stream of `path` once, into every stream of the request at the same time.
 * @throws AppError `input_too_long`, `decode_failed`; whatever `onBlock` threw; the reason of an aborted signal; a plain
 * Error when it is this machine that can't, which says what to do about it.
 * No child is left, and no block is delivered, after it has settled.
 */
export async function decodeWithFfmpeg(
  path: string,
  request: DecodeRequest,
  { ffmpeg, sandbox }: { ffmpeg: FfmpegPaths; sandbox: Sandbox },
): Promise<Decoded> {
  request.signal.throwIfAborted();
  refuseTooLong(request.media, request.maxSeconds);
  const file = resolve(path);
  const patience = new Patience(request.timeoutMs, () => decoderHangs(request.timeoutMs));
  const settled = new AbortController();
  const until = AbortSignal.any([request.signal, patience.signal, settled.signal]);
  const child = spawnChild(sandbox, {
    command: [ffmpeg.ffmpeg, ...decodeArguments(file, request)],
    pipes: request.streams.length,
    limits: ffmpegLimits(request.timeoutMs),
  });
  const deliver = async (stream: string, block: AudioBlock) => {
    until.throwIfAborted();
    await patience.whileConsuming(() => request.onBlock(stream, block));
  };
  try {
    const drains = request.streams.map((spec, index) => drain(child.pipes[index], spec, request, deliver));
    const [exit, ...seconds] = await raceAbort(Promise.all([child.exited, ...drains]), until);
    return judge(exit, seconds, request, withoutPath(exit.stderr, file));
  } finally {
    settled.abort();
    patience.stop();
    await child.kill();
  }
}

/** Reads one pipe to its end and returns the seconds in it. An undrained pipe would stall the decoder for ever. */
async function drain(
  pipe: Readable | undefined,
  spec: StreamSpec,
  request: DecodeRequest,
  deliver: (stream: string, block: AudioBlock) => Promise<void>,
): Promise<number> {
  const sampleRateHz = outputRateHz(spec, request.media);
  const assembler = new BlockAssembler({ channels: outputChannels(spec, request.media), sampleRateHz });
  const maxFrames = Math.ceil(request.maxSeconds * sampleRateHz);
  const deliverAll = async (blocks: Iterable<AudioBlock>) => {
    for (const block of blocks) {
      if (assembler.frames > maxFrames) throw tooLong(request.maxSeconds);
      await deliver(spec.name, block);
    }
  };
  for await (const chunk of pipe ?? []) await deliverAll(assembler.push(chunk));
  await deliverAll(assembler.flush());
  return assembler.frames / sampleRateHz;
}

/** Success is told by the samples: ffmpeg exits with 0 on damaged files too. */
function judge(exit: Exit, seconds: readonly number[], request: DecodeRequest, seen: string): Decoded {
  if (exit.code !== 0) {
    if (lacksSoxr(seen)) throw new Error(INSTALL_SOXR);
    throw new AppError("decode_failed", { detail: { decoder: seen, exit: exit.code ?? exit.signal } });
  }
  // A resampler may add or drop a sample at the end; the native stream is exact.
  const exact = request.streams.findIndex((spec) => spec.sampleRateHz === "native");
  return judgeLength(seconds[Math.max(0, exact)] ?? 0, request.media, seen);
}

function decoderHangs(timeoutMs: number): AppError {
  return new AppError("decode_failed", {
    detail: {
      decoder: "The decoder was stopped because it took too long.",
      limit_seconds: timeoutMs / 1_000,
    },
  });
}
