import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { createResampler } from "../signal/resample.ts";
import { blockFrames, outputRateHz } from "./audio.ts";
import type { Decoded, DecodeRequest, Media, StreamSpec } from "./audio.ts";
import { assertFinite } from "./block-assembler.ts";
import { downmix, monoWeights } from "./downmix.ts";
import { judgeLength, refuseTooLong, tooLong } from "./length.ts";
import { readSamples } from "./wav-samples.ts";
import { declaredSeconds, frameBytes, readWavHeader } from "./wav-header.ts";
import type { WavHeader } from "./wav-header.ts";

const LAYOUTS: Readonly<Record<number, string>> = {
  0x4: "mono",
  0x3: "stereo",
  0x33: "quad",
  0x3f: "5.1",
  0x60f: "5.1(side)",
  0x63f: "7.1",
};

/** @throws AppError `unsupported_media` when it isn't PCM WAV, `decode_failed` when it is damaged. */
export async function probeWav(file: string, { signal }: { signal: AbortSignal }): Promise<Media> {
  signal.throwIfAborted();
  await using handle = await open(file);
  const header = await readWavHeader(handle);
  const byteOrder = header.bits === 8 ? "" : "le";
  return {
    format: "wav",
    codec: `pcm_${sampleType(header)}${header.bits}${byteOrder}`,
    channels: header.channels,
    channelLayout: layoutOf(header),
    sampleRateHz: header.sampleRateHz,
    durationSeconds: declaredSeconds(header),
  };
}

/** PCM WAV without ffmpeg: the same samples at the file's own rate, and the same rules. */
export async function decodeWav(file: string, request: DecodeRequest): Promise<Decoded> {
  request.signal.throwIfAborted();
  refuseTooLong(request.media, request.maxSeconds);
  await using handle = await open(file);
  const header = await readWavHeader(handle);
  const sinks = request.streams.map((spec) => createSink(spec, header, request));
  let frames = 0;
  for await (const channels of blocksOf(handle, header)) {
    request.signal.throwIfAborted();
    frames += channels[0]?.length ?? 0;
    if (frames > Math.ceil(request.maxSeconds * header.sampleRateHz)) throw tooLong(request.maxSeconds);
    assertFinite(channels);
    for (const sink of sinks) await sink.push(channels);
  }
  for (const sink of sinks) await sink.flush();
  return judgeLength(frames / header.sampleRateHz, request.media, "The WAV file ends early.");
}

async function* blocksOf(handle: FileHandle, header: WavHeader): AsyncGenerator<Float32Array[]> {
  const blockBytes = blockFrames(header) * frameBytes(header);
  const bytes = Buffer.alloc(blockBytes);
  for (let done = 0; done < header.dataBytes; done += blockBytes) {
    const wanted = Math.min(blockBytes, header.dataBytes - done);
    const { bytesRead } = await handle.read(bytes, 0, wanted, header.dataOffset + done);
    yield readSamples(bytes.subarray(0, bytesRead - (bytesRead % frameBytes(header))), header);
    if (bytesRead < wanted) return;
  }
}

interface Sink {
  push(channels: readonly Float32Array[]): Promise<void>;
  flush(): Promise<void>;
}

function createSink(spec: StreamSpec, header: WavHeader, request: DecodeRequest): Sink {
  const weights = monoWeights(header.channels, header.channelMask);
  const select = (channels: readonly Float32Array[]) =>
    spec.channels === 1 ? [downmix(channels, weights)] : channels;
  const deliver = async (channels: readonly Float32Array[]) => {
    request.signal.throwIfAborted();
    if (channels[0]?.length) await request.onBlock(spec.name, { channels });
  };
  const toHz = outputRateHz(spec, request.media);
  const resamplers = Array.from({ length: spec.channels === 1 ? 1 : header.channels }, () =>
    createResampler(header.sampleRateHz, toHz),
  );
  return {
    push(channels) {
      const selected = select(channels);
      return deliver(
        resamplers.map((resampler, index) => resampler.push(selected[index] ?? new Float32Array())),
      );
    },
    flush: () => deliver(resamplers.map((resampler) => resampler.flush())),
  };
}

function sampleType({ encoding, bits }: WavHeader): string {
  if (encoding === "float") return "f";
  return bits === 8 ? "u" : "s";
}

function layoutOf({ channelMask, channels }: WavHeader): string {
  if (channelMask !== 0) return LAYOUTS[channelMask] ?? "";
  if (channels > 2) return "";
  return channels === 1 ? "mono" : "stereo";
}
