import type { Fields } from "./fields.ts";

/** What a file says of itself, by TagLib's names: ID3, Vorbis comments and MP4 atoms are all read as these. */
export type Properties = Readonly<Record<string, readonly string[]>>;

export interface Change {
  name: string;
  before: readonly string[];
  after: readonly string[];
}

/** Which of our values were written last time: as long as they are still there, they are ours to replace. */
const OWN = "EARSHOT_FIELDS";

/** What can be written, by the names of `--fields`. */
export const TAGS = {
  bpm: ({ tempo_bpm: bpm }) => numbers("BPM", bpm, (value) => String(Math.round(value))),
  key: ({ key, scale }) =>
    typeof key === "string" ? { INITIALKEY: [`${key}${scale === "minor" ? "m" : ""}`] } : {},
  mood: ({ moods }) => words("MOOD", moods),
  tags: ({ tags }) => words("EARSHOT_TAGS", tags),
  /** ReplayGain 2.0: the gain to −18 LUFS. */
  replaygain: ({ loudness_lufs: loudness, true_peak_dbtp: peak }) => ({
    ...numbers("REPLAYGAIN_TRACK_GAIN", loudness, (lufs) => `${(-18 - lufs).toFixed(2)} dB`),
    ...numbers("REPLAYGAIN_TRACK_PEAK", peak, (dbtp) => (10 ** (dbtp / 20)).toFixed(6)),
  }),
} satisfies Record<string, (fields: Fields) => Properties>;

export type TagField = keyof typeof TAGS;

/**
 * What is to be changed in a file that says `before`. What somebody else has written stays, unless `overwrite`. TagLib tells some
 * names in lower case and takes any: they are compared without it.
 */
export function planTags(
  before: Properties,
  found: Fields,
  { fields, overwrite }: { fields: readonly TagField[]; overwrite: boolean },
): Change[] {
  const old = new Map(Object.entries(before).map(([name, values]) => [name.toUpperCase(), values]));
  const own = new Set(old.get(OWN));
  const wanted = Object.entries(
    Object.assign({}, ...fields.map((field) => TAGS[field](found))) as Properties,
  );
  const isOurs = ([name]: [string, readonly string[]]) => {
    const there = old.get(name) ?? [];
    return overwrite || name.startsWith("EARSHOT_") || there.length === 0 || own.has(ownMark(name, there));
  };
  const writing = wanted.filter(isOurs);
  if (writing.length === 0) return [];
  const kept = [...own].filter((mark) => !writing.some(([name]) => mark.startsWith(`${name}=`)));
  const all: [string, readonly string[]][] = [
    ...writing,
    ["EARSHOT_MODELS", Array.isArray(found["models"]) ? found["models"] : []],
    [OWN, [...kept, ...writing.map(([name, values]) => ownMark(name, values))].toSorted()],
  ];
  return all
    .map(([name, after]) => ({ name, before: old.get(name) ?? [], after }))
    .filter((change) => !isSame(change.before, change.after));
}

function ownMark(name: string, values: readonly string[]): string {
  return `${name}=${values.join(";")}`;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

function numbers(
  name: string,
  value: Fields[string] | undefined,
  told: (value: number) => string,
): Properties {
  return typeof value === "number" ? { [name]: [told(value)] } : {};
}

function words(name: string, value: Fields[string] | undefined): Properties {
  return Array.isArray(value) && value.length > 0 ? { [name]: value } : {};
}
