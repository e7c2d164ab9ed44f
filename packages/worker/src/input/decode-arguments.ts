import { outputRateHz } from "./audio.ts";
import type { DecodeRequest, Media, StreamSpec } from "./audio.ts";
import { inputArguments } from "./ffmpeg.ts";

// Without rematrix_maxval stereo becomes 3 dB too loud in mono; the default resampler is 80 times further from exact.
const RESAMPLE = "aresample=rematrix_maxval=1:resampler=soxr:precision=28";

const AUDIO_ONLY = ["-map", "0:a:0", "-vn", "-sn", "-dn"];

/** The cap is enforced by counting samples; this only ends a decoder that nobody listens to any more. */
const SPARE_SECONDS = 1;

/** One input, one output pipe a stream: descriptors 1, 3, 4 and so on. */
export function decodeArguments(file: string, { media, streams, maxSeconds }: DecodeRequest): string[] {
  const head = ["-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-filter_threads", "1"];
  const length = ["-t", String(maxSeconds + SPARE_SECONDS)];
  const outputs = streams.flatMap((spec, index) => {
    const rate = ["-ar", String(outputRateHz(spec, media))];
    const pipe = `pipe:${index === 0 ? 1 : index + 2}`;
    return [...AUDIO_ONLY, ...length, ...formatArguments(spec, media), ...rate, "-f", "f32le", pipe];
  });
  return [...head, ...inputArguments(file), ...outputs];
}

/** Channels and rate are always named: a file may change them on its way, the stream must not. */
function formatArguments(spec: StreamSpec, media: Media): string[] {
  if (spec.channels === 1) return ["-af", [...meanOfUnnamed(media), RESAMPLE].join(","), "-ac", "1"];
  if (media.channelLayout === "") return ["-af", RESAMPLE, "-ac", String(media.channels)];
  // `-ac 4` would turn a quad file into 4.0 and mix its rear channels.
  return ["-af", `${RESAMPLE},aformat=channel_layouts=${media.channelLayout}`];
}

/** ffmpeg has no default layout for most counts above 8 and refuses to mix them. */
function meanOfUnnamed({ channels, channelLayout }: Media): string[] {
  if (channels <= 8 || channelLayout !== "") return [];
  const terms = Array.from({ length: channels }, (_, channel) => `${1 / channels}*c${channel}`);
  return [`pan=mono|c0=${terms.join("+")}`];
}
