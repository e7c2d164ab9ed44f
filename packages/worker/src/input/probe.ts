import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError } from "@earshot/shared/domain/errors";
import * as z from "zod";
import { readDeclaredAsfSeconds } from "./asf-header.ts";
import { SANE_AUDIO } from "./audio.ts";
import type { Media } from "./audio.ts";
import { ffmpegLimits, inputArguments, withoutPath } from "./ffmpeg.ts";
import type { FfmpegPaths } from "./ffmpeg.ts";
import { runChild } from "./run-child.ts";
import type { ChildRun } from "./run-child.ts";
import type { Sandbox } from "./sandbox.ts";
import { readDeclaredWavSeconds } from "./wav-header.ts";

interface ProbeOptions {
  ffmpeg: FfmpegPaths;
  sandbox: Sandbox;
  signal: AbortSignal;
}

const TIMEOUT_MS = 30_000;
const MAX_STDOUT_BYTES = 1024 ** 2;
const ENTRIES =
  "format=format_name,duration:stream=codec_type,codec_name,sample_rate,channels,channel_layout,duration:stream_tags=DURATION:stream_disposition=attached_pic";

/** ISO/IEC 14496-12 and QuickTime: what a file of theirs may begin with. */
const MP4_FIRST_BOXES = ["ftyp", "moov", "mdat", "free", "skip", "wide"];

const decimal = z.coerce.number().positive().optional().catch(undefined);

const streamSchema = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  sample_rate: z.coerce.number().catch(0),
  channels: z.number().catch(0),
  channel_layout: z.string().catch(""),
  duration: decimal,
  tags: z.object({ DURATION: z.string().optional() }).optional(),
  disposition: z.object({ attached_pic: z.number().optional() }).optional(),
});
type ProbedStream = z.output<typeof streamSchema>;

const outputSchema = z.object({
  streams: z.array(streamSchema).default([]),
  format: z.object({ format_name: z.string(), duration: decimal }),
});
type Probed = z.output<typeof outputSchema>;

/**
 * Reads the headers of `file` with ffprobe.
 * @throws AppError `unsupported_media` when it isn't media, `no_audio` when no stream of it is audio,
 * `decode_failed` when it is media whose headers can't be read.
 */
export async function probeWithFfmpeg(path: string, options: ProbeOptions): Promise<Media> {
  const file = resolve(path);
  if (!(await stat(file)).isFile()) throw unsupported("It is not a regular file.");
  const run = await runChild(options.sandbox, {
    command: [options.ffmpeg.ffprobe, ...probeArguments(file)],
    limits: ffmpegLimits(TIMEOUT_MS),
    timeoutMs: TIMEOUT_MS,
    maxStdoutBytes: MAX_STDOUT_BYTES,
    signal: options.signal,
  });
  const seen = withoutPath(run.stderr, file);
  // The index of an MP4 is at its end: a cut one is media, but nothing of it can be found.
  if (seen.includes("moov atom not found") && (await beginsAsMp4(file))) throw unreadable(seen);
  const media = toMedia(parseRun(run, seen), seen);
  return { ...media, durationSeconds: await announcedSeconds(file, media) };
}

/** Of some formats ffprobe tells how much of a cut file is there, not how much its header announces. */
async function announcedSeconds(file: string, { format, durationSeconds }: Media): Promise<number | null> {
  if (format === "wav") return readDeclaredWavSeconds(file);
  if (format === "asf") return durationSeconds ?? readDeclaredAsfSeconds(file);
  return durationSeconds;
}

function probeArguments(file: string): string[] {
  return [
    "-hide_banner",
    "-v",
    "warning",
    "-print_format",
    "json",
    "-show_entries",
    ENTRIES,
    ...inputArguments(file),
  ];
}

function parseRun(run: ChildRun, seen: string): Probed {
  if (run.outcome === "deadline" || run.outcome === "flood") {
    throw unreadable(`Reading the headers ended by ${run.outcome}.`);
  }
  if (run.outcome === "failed") throw unsupported(seen);
  const parsed = outputSchema.safeParse(parseJson(run.stdout));
  if (!parsed.success) throw unsupported(seen);
  return parsed.data;
}

function toMedia(probed: Probed, seen: string): Media {
  const audio = probed.streams.find((stream) => stream.codec_type === "audio");
  if (audio === undefined && probed.streams.length > 0) throw new AppError("no_audio");
  if (audio === undefined || !isSane(audio)) throw unsupported(seen);
  return {
    format: probed.format.format_name,
    codec: audio.codec_name ?? "",
    channels: audio.channels,
    channelLayout: knownLayout(audio),
    sampleRateHz: audio.sample_rate,
    durationSeconds: declaredSeconds(probed, audio, seen),
  };
}

/** Random bytes pass for MP3 without a rate or a channel. */
function isSane(stream: ProbedStream): boolean {
  const { channels, sample_rate: rate } = stream;
  if (stream.codec_name === undefined || stream.codec_name === "unknown") return false;
  const hasSaneRate = rate >= SANE_AUDIO.minSampleRateHz && rate <= SANE_AUDIO.maxSampleRateHz;
  return hasSaneRate && channels >= 1 && channels <= SANE_AUDIO.maxChannels;
}

/** "unknown" and "9 channels" name no layout. One or two channels need no name to be understood. */
function knownLayout({ channel_layout: layout, channels }: ProbedStream): string {
  if (/^[0-9a-z.]+(\([a-z-]+\))?$/.test(layout) && layout !== "unknown") return layout;
  return ["", "mono", "stereo"][channels] ?? "";
}

/** What the headers say of the audio itself. A guess from the bit rate says nothing, nor does the length of a video beside it. */
function declaredSeconds(probed: Probed, audio: ProbedStream, seen: string): number | null {
  if (seen.includes("Estimating duration from bitrate")) return null;
  const ofStream = audio.duration ?? parseClock(audio.tags?.DURATION);
  if (ofStream !== undefined) return ofStream;
  const isAlone = probed.streams.every(
    (stream) =>
      stream === audio || stream.disposition?.attached_pic === 1 || stream.codec_type === "attachment",
  );
  return isAlone ? (probed.format.duration ?? null) : null;
}

/** Matroska's "00:03:25.120000000", in seconds. */
function parseClock(clock: string | undefined): number | undefined {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(clock ?? "");
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number);
  return hours * 3600 + minutes * 60 + seconds || undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** ffprobe takes whatever it doesn't know for an MP4 if its name ends in .m4a: only a box at the start makes it one. */
async function beginsAsMp4(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return MP4_FIRST_BOXES.includes(buffer.toString("latin1", 4));
}

function unreadable(seen: string): AppError {
  return new AppError("decode_failed", { detail: { decoder: seen } });
}

function unsupported(seen: string): AppError {
  return new AppError("unsupported_media", { detail: { decoder: seen } });
}
