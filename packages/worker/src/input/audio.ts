/** What a task wants to read. `native`: as the file has it. */
export interface StreamSpec {
  name: string;
  channels: 1 | "native";
  sampleRateHz: 16_000 | 22_050 | "native";
}

/** Consecutive samples of one decoded stream: one array a channel, all of one length, nominally in [-1, 1]. */
export interface AudioBlock {
  channels: readonly Float32Array[];
}

/** Technical facts of a file's first audio stream, as its headers tell them. `durationSeconds` is null when they don't. */
export interface Media {
  format: string;
  codec: string;
  channels: number;
  /** ffmpeg's name of the layout, such as "stereo" or "5.1(side)"; empty when unknown. */
  channelLayout: string;
  sampleRateHz: number;
  durationSeconds: number | null;
}

export interface DecodeRequest {
  media: Media;
  streams: readonly StreamSpec[];
  /** Awaited before the same stream's next block. Streams are served independently of each other. */
  onBlock: (stream: string, block: AudioBlock) => void | Promise<void>;
  /** More audio than this is `input_too_long`. */
  maxSeconds: number;
  /** How long the decoder itself may take. Time in which a block is being consumed doesn't count. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** What was read. `declaredSeconds` is there when the file ended before the length that its headers announce. */
export interface Decoded {
  durationSeconds: number;
  truncated: boolean;
  declaredSeconds?: number;
}

/** Blocks hold this much audio, or less where so many channels at such a rate would take more memory. */
const BLOCK_SECONDS = 0.5;
const MAX_BLOCK_BYTES = 4 * 1024 ** 2;

/** Samples of one channel in a block. */
export function blockFrames({ channels, sampleRateHz }: Pick<Media, "channels" | "sampleRateHz">): number {
  const bounded = Math.floor(MAX_BLOCK_BYTES / (channels * Float32Array.BYTES_PER_ELEMENT));
  return Math.min(Math.ceil(sampleRateHz * BLOCK_SECONDS), bounded);
}

/** Headers beyond these bounds are nonsense, and a block of such audio would have no bounded size. */
export const SANE_AUDIO = { maxChannels: 64, minSampleRateHz: 1_000, maxSampleRateHz: 768_000 } as const;

export function outputRateHz(spec: StreamSpec, media: Media): number {
  return spec.sampleRateHz === "native" ? media.sampleRateHz : spec.sampleRateHz;
}

export function outputChannels(spec: StreamSpec, media: Media): number {
  return spec.channels === "native" ? media.channels : spec.channels;
}
