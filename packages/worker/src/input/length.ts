import { AppError } from "@earshot/shared/domain/errors";
import type { Decoded, Media } from "./audio.ts";

const TRUNCATED_BELOW = 0.98;
const FAILED_BELOW = 0.5;

/** Encoders pad both ends and decoders drop it again: at most about two MP3 or AAC frames of each. */
const LOSSY_SLACK_FRAMES = 3_000;

/** @throws AppError `input_too_long` when the headers announce more than `maxSeconds`. */
export function refuseTooLong(media: Media, maxSeconds: number): void {
  if (media.durationSeconds === null || media.durationSeconds <= maxSeconds) return;
  throw tooLong(maxSeconds, media.durationSeconds);
}

export function tooLong(limitSeconds: number, durationSeconds?: number): AppError {
  const declared = durationSeconds === undefined ? {} : { duration_seconds: durationSeconds };
  return new AppError("input_too_long", { detail: { ...declared, limit_seconds: limitSeconds } });
}

/**
 * Compares what was decoded with what was declared (DESIGN §12).
 * @throws AppError `decode_failed` when nothing, or less than half of it, could be read.
 */
export function judgeLength(decodedSeconds: number, media: Media, seen: string): Decoded {
  const declaredSeconds = media.durationSeconds ?? decodedSeconds;
  const detail = { decoded_seconds: decodedSeconds, declared_seconds: media.durationSeconds, decoder: seen };
  if (decodedSeconds === 0) throw new AppError("decode_failed", { detail });
  if (declaredSeconds - decodedSeconds <= slackSeconds(media)) return complete(decodedSeconds);
  if (decodedSeconds < declaredSeconds * FAILED_BELOW) throw new AppError("decode_failed", { detail });
  if (decodedSeconds >= declaredSeconds * TRUNCATED_BELOW) return complete(decodedSeconds);
  return { durationSeconds: decodedSeconds, truncated: true, declaredSeconds };
}

function complete(durationSeconds: number): Decoded {
  return { durationSeconds, truncated: false };
}

function slackSeconds(media: Media): number {
  const isExact = media.codec.startsWith("pcm_") || media.codec === "flac";
  return isExact ? 0 : LOSSY_SLACK_FRAMES / media.sampleRateHz;
}
