import * as z from "zod";

/** A number, a word, or several words. */
export type Field = number | string | readonly string[];

/** What is known of a file in flat names: `tempo_bpm`, `mood_happy`, `tags.rock`. What a task did not find is left out. */
export type Fields = Readonly<Record<string, Field>>;

const Result = z.object({
  input: z.looseObject({
    duration_seconds: z.number(),
    codec: z.string(),
    channels: z.number(),
    sample_rate: z.number(),
    tags: z.record(z.string(), z.string()).default({}),
  }),
  results: z.array(z.looseObject({ task: z.string(), status: z.string() })),
});

const probabilities = z.record(z.string(), z.number());
const words = z.array(z.string());

const Mood = z.object({
  heads: z.record(z.string(), probabilities),
  tags: z.object({ strict: words, regular: words, loose: words }),
  segments: z.object({ values: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

/** How many of the fifty tags are named in `tags`. */
const MOST_TAGS = 5;
const LOWEST_TAG_SCORE = 0.1;

/** The fields of a task's own result that are a number or a word each. */
const SCALARS: Readonly<Record<string, readonly string[]>> = {
  "audio.features": [
    "loudness_lufs",
    "loudness_range_lu",
    "true_peak_dbtp",
    "tempo_bpm",
    "tempo_confidence",
    "key",
    "scale",
    "key_strength",
    "spectral_centroid_hz",
  ],
  "speech.segments": ["speech_seconds", "speech_ratio"],
  "speech.quality": ["sig", "bak", "ovr", "p808"],
  "speech.transcription": ["language"],
};

/** Columns of a table, in this order; the other fields are for conditions. */
export const COLUMNS = [
  "duration_seconds",
  "codec",
  "channels",
  "sample_rate",
  ...Object.values(SCALARS).flat(),
  "mood_happy",
  "mood_sad",
  "mood_relaxed",
  "mood_aggressive",
  "mood_party",
  "danceability",
  "voice_instrumental",
  "gender",
  "tonal_atonal",
  "moods",
  "tags",
  "models",
] as const;

/** Reads them from a job's result, or from an analysis. */
export function fieldsOf(json: unknown): Fields {
  const { input, results } = Result.parse(json);
  const { duration_seconds, codec, channels, sample_rate } = input;
  const done = results.filter(({ status }) => status === "succeeded");
  const fields: Record<string, Field> = { duration_seconds, codec, channels, sample_rate };
  for (const result of done) {
    for (const name of SCALARS[result.task] ?? []) {
      const value = result[name];
      if (typeof value === "number" || typeof value === "string") fields[name] = value;
    }
    if (result.task === "music.tags") Object.assign(fields, tagsOf(result));
    if (result.task === "music.mood") Object.assign(fields, moodsOf(result));
  }
  const models = done.flatMap(({ model, version }) => (model ? [`${String(model)}@${String(version)}`] : []));
  return { ...fields, models: [...new Set(models)] };
}

/** What the file says of itself. */
export function ownTagsOf(json: unknown): { title?: string | undefined; artist?: string | undefined } {
  const { tags } = Result.parse(json).input;
  return { title: tags["title"], artist: tags["artist"] };
}

function tagsOf(result: unknown): Record<string, Field> {
  const { scores } = z.object({ scores: probabilities }).parse(result);
  const best = Object.entries(scores)
    .toSorted(([, a], [, b]) => b - a)
    .filter(([, score]) => score >= LOWEST_TAG_SCORE)
    .slice(0, MOST_TAGS);
  const each = Object.entries(scores).map(([name, score]) => [`tags.${name}`, score] as const);
  return { tags: best.map(([name]) => name), ...Object.fromEntries(each) };
}

/** Of each head the probability of its positive class, which its column is named after; and the tags of the regular tier. */
function moodsOf(result: unknown): Record<string, Field> {
  const { heads, tags, segments } = Mood.parse(result);
  const each = Object.entries(heads).flatMap(([head, classes]) => {
    const [positive = ""] = Object.keys(segments.values[head] ?? {});
    const value = classes[positive];
    return value === undefined ? [] : [[head, value] as const];
  });
  return { moods: tags.regular, ...Object.fromEntries(each) };
}
