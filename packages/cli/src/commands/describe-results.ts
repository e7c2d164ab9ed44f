import * as z from "zod";
import { describeEmbedding, describeMood, describeNotes, describeTags } from "./describe-music.ts";
import { line } from "./result-line.ts";

/** What is read here of an analysis, or of a job's result. */
const analysis = z.object({
  input: z.object({
    duration_seconds: z.number(),
    codec: z.string(),
    channels: z.number(),
    sample_rate: z.number(),
  }),
  results: z.array(z.looseObject({ task: z.string(), error: z.object({ message: z.string() }).optional() })),
  warnings: z.array(z.string()).optional(),
});

const features = z.object({
  loudness_lufs: z.number().nullable(),
  true_peak_dbtp: z.number().nullable(),
  silences: z.array(z.unknown()),
  tempo_bpm: z.number().nullish(),
  tempo_confidence: z.number().default(0),
  key: z.string().nullish(),
  scale: z.string().nullish(),
  key_strength: z.number().default(0),
});

const speech = z.object({
  segments: z.array(z.object({ start: z.number(), end: z.number() })),
  speech_seconds: z.number(),
  speech_ratio: z.number(),
});

const MOST_SEGMENTS = 8;

/** An analysis in a few lines for a person. */
export function describeResults(json: unknown): string {
  const { input, results, warnings = [] } = analysis.parse(json);
  const { duration_seconds: duration, codec, channels, sample_rate: rate } = input;
  return [
    line("audio", `${duration.toFixed(2)} s, ${codec}, ${channels} ch, ${rate} Hz`),
    ...results.flatMap((result) =>
      result.error ? [line(result.task, `failed: ${result.error.message}`)] : describe(result),
    ),
    ...warnings.map((warning) => line("warning", warning)),
  ].join("\n");
}

function describe(result: { task: string }): string[] {
  switch (result.task) {
    case "audio.features":
      return describeFeatures(features.parse(result));
    case "speech.segments":
      return describeSpeech(speech.parse(result));
    case "music.notes":
      return describeNotes(result);
    case "music.tags":
      return describeTags(result);
    case "music.mood":
      return describeMood(result);
    case "music.embedding":
      return describeEmbedding(result);
    default:
      return [line(result.task, "done")];
  }
}

function describeFeatures(found: z.output<typeof features>): string[] {
  const { loudness_lufs: lufs, true_peak_dbtp: peak, tempo_bpm: bpm, key, scale } = found;
  const loudness = lufs === null ? "none (silence)" : `${lufs.toFixed(1)} LUFS`;
  const truePeak = peak === null ? "" : `, true peak ${peak.toFixed(1)} dBTP`;
  return [
    line("loudness", `${loudness}${truePeak}`),
    line("silences", String(found.silences.length)),
    ...(bpm
      ? [line("tempo", `${bpm.toFixed(1)} BPM (confidence ${found.tempo_confidence.toFixed(2)})`)]
      : []),
    ...(key ? [line("key", `${key} ${scale ?? ""} (strength ${found.key_strength.toFixed(2)})`)] : []),
  ];
}

function describeSpeech({
  segments,
  speech_seconds: total,
  speech_ratio: ratio,
}: z.output<typeof speech>): string[] {
  const shown = segments
    .slice(0, MOST_SEGMENTS)
    .map(({ start, end }) => `${start.toFixed(2)}–${end.toFixed(2)} s`);
  const more = segments.length > MOST_SEGMENTS ? [`and ${segments.length - MOST_SEGMENTS} more`] : [];
  const where = segments.length === 0 ? "" : `: ${[...shown, ...more].join(", ")}`;
  return [line("speech", `${total.toFixed(2)} s (${Math.round(ratio * 100)} %)${where}`)];
}
