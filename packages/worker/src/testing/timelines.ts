/** What a result has along its audio: a column of its segments, or a list of spans or times. */
export interface Timeline {
  /** Such as `segments.values.confidence` or `notes`. */
  name: string;
  length: number;
}

export interface Timelines {
  timelines: Timeline[];
  /** Of the columns, from the first to the second value, in seconds. */
  hopSeconds: number | null;
  /** What no result should have: times that go back or lie outside of the audio, columns of different lengths, what is no number. */
  problems: string[];
}

/** Looks at everything in a result of audio of so many seconds. */
export function timelinesOf(result: object, audioSeconds: number): Timelines {
  const lists = [...listsOf("", result)];
  const columns = lists.filter(({ name }) => name.startsWith("segments."));
  const times = lists
    .map((list) => ({ ...list, spans: spansOf(list) }))
    .filter(({ spans }) => spans.length > 0);
  const lengths = new Set(columns.map(({ values }) => values.length));
  const [first, second] = times.find(({ name }) => name === TIMESTAMPS)?.spans ?? [];
  return {
    timelines: [...new Set([...columns.map(({ name }) => name), ...times.map(({ name }) => name)])].map(
      (name) => ({ name, length: lists.find((list) => list.name === name)?.values.length ?? 0 }),
    ),
    hopSeconds: first && second ? Math.round(1e3 * (second.start - first.start)) / 1e3 : null,
    problems: [
      ...wrongNumbers("", result),
      ...times.flatMap(({ name, spans }) => wrongTimes(name, spans, audioSeconds)),
      ...(lengths.size > 1 ? [`the columns are ${[...lengths].join(" and ")} long`] : []),
    ],
  };
}

const TIMESTAMPS = "segments.timestamps_seconds";

interface Span {
  start: number;
  end: number;
}

interface List {
  name: string;
  values: readonly unknown[];
}

/** Those that are not inside of another. */
function* listsOf(name: string, value: unknown): Generator<List> {
  if (Array.isArray(value)) yield { name, values: value };
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value))
      yield* listsOf(name === "" ? key : `${name}.${key}`, inner);
}

/** None of a list of something else. */
function spansOf({ name, values }: List): Span[] {
  if (name === TIMESTAMPS || name === "beats")
    return values.map((time) => ({ start: Number(time), end: Number(time) }));
  return values.filter(isSpan);
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null && "start" in value && "end" in value;
}

function wrongTimes(name: string, spans: readonly Span[], audioSeconds: number): string[] {
  const wrong = spans.findIndex(
    ({ start, end }, index) =>
      !(start >= (spans[index - 1]?.start ?? 0) && end >= start && end <= audioSeconds + 0.001),
  );
  return wrong < 0 ? [] : [`${name}[${wrong}] is from ${spans[wrong]?.start} to ${spans[wrong]?.end} s`];
}

/** The first that JSON could not tell. */
function wrongNumbers(name: string, value: unknown): string[] {
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${name} is ${value}`];
  if (value === undefined) return [`${name} is missing`];
  if (typeof value !== "object" || value === null) return [];
  for (const key in value) {
    const wrong = wrongNumbers(key, (value as Readonly<Record<string, unknown>>)[key]);
    if (wrong.length > 0) return wrong.map((what) => (name === "" ? what : `${name}.${what}`));
  }
  return [];
}
