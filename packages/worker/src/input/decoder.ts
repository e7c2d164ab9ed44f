import { AppError } from "@earshot/shared/domain/errors";
import type { Decoded, DecodeRequest, Media } from "./audio.ts";
import { decodeWithFfmpeg } from "./decode.ts";
import { INSTALL_FFMPEG } from "./ffmpeg.ts";
import type { FfmpegPaths } from "./ffmpeg.ts";
import { probeWithFfmpeg } from "./probe.ts";
import type { Sandbox } from "./sandbox.ts";
import { decodeWav, probeWav } from "./wav.ts";

/** Bytes of a file to samples. Errors are AppErrors with a job's code, or the reason of the aborted signal. */
export interface Decoder {
  probe(file: string, options: { signal: AbortSignal }): Promise<Media>;
  decode(file: string, request: DecodeRequest): Promise<Decoded>;
}

/** By ffmpeg in a sandbox; without ffmpeg, PCM WAV alone. */
export function createDecoder({
  ffmpeg,
  sandbox,
}: {
  ffmpeg: FfmpegPaths | null;
  sandbox: Sandbox;
}): Decoder {
  if (ffmpeg === null) return { probe: probeWithoutFfmpeg, decode: decodeWav };
  return {
    probe: (file, { signal }) => probeWithFfmpeg(file, { ffmpeg, sandbox, signal }),
    decode: (file, request) => decodeWithFfmpeg(file, request, { ffmpeg, sandbox }),
  };
}

async function probeWithoutFfmpeg(file: string, options: { signal: AbortSignal }): Promise<Media> {
  try {
    return await probeWav(file, options);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "unsupported_media") throw error;
    throw new AppError("unsupported_media", {
      message: `Without ffmpeg only PCM WAV can be read. ${INSTALL_FFMPEG}`,
      detail: error.detail,
      cause: error,
    });
  }
}
