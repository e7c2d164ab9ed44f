import { expect, test } from "vitest";
import { withSpeakers } from "./speaker-words.ts";
import type { Transcript } from "./transcript.ts";

/** `text@start-end`, in order; the utterances are spans of the words' indices. */
function transcriptOf(words: string, ...utterances: [from: number, to: number, text: string][]): Transcript {
  const parsed = words.split(" ").map((word, index) => {
    const [text = "", start = NaN, end = NaN] = word
      .split(/[@-]/)
      .map((part, i) => (i === 0 ? part : Number(part)));
    return { text: String(text), start: Number(start), end: Number(end), confidence: 0.5 + index / 100 };
  });
  return {
    language: "en",
    language_probability: 1,
    text: utterances.map(([, , text]) => text).join(" "),
    words: parsed,
    utterances: utterances.map(([from, to, text]) => ({
      start: parsed[from]?.start ?? NaN,
      end: parsed[to]?.end ?? NaN,
      text,
      confidence: 0.9,
    })),
  };
}

const TURNS = [
  { start: 1, end: 3, speaker: "speaker_1" },
  { start: 3, end: 5, speaker: "speaker_2" },
  { start: 8, end: 9, speaker: "speaker_1" },
];

const speakersOf = (words: string) =>
  withSpeakers(transcriptOf(words, [0, 0, "…"]), TURNS).words.map(({ speaker }) => speaker);

test("a word is theirs who have the floor for most of it", () => {
  expect(speakersOf("a@1-1.5 b@2.8-3.1 c@2.9-3.2 d@4-4.2 e@8.5-8.7")).toEqual([
    "speaker_1",
    "speaker_1",
    "speaker_2",
    "speaker_2",
    "speaker_1",
  ]);
});

test("a word in a gap is the nearer turn's, within a second; further away it is nobody's", () => {
  expect(speakersOf("a@0.2-0.4 b@5.5-5.8 c@6.2-6.7 d@7.5-7.6 e@9.9-9.95 f@10.1-10.4")).toEqual([
    "speaker_1",
    "speaker_2",
    undefined,
    "speaker_1",
    "speaker_1",
    undefined,
  ]);
});

test("a word in the middle of a gap is theirs who spoke before", () => {
  const turns = [
    { start: 0, end: 1, speaker: "a" },
    { start: 2, end: 3, speaker: "b" },
  ];
  expect(withSpeakers(transcriptOf("well@1.25-1.75", [0, 0, "well"]), turns).words[0]?.speaker).toBe("a");
});

test.each([
  ["1.6-2.1", "first"],
  ["1.8-2.4", "second"],
  ["1.5-2.5", "second"],
])("where utterances overlap a word is the one's that its middle is in: %s, the %s", (span, which) => {
  const transcript = transcriptOf(`a@0-1 b@${span} c@3-4`);
  const utterances = [
    { start: 0, end: 2.2, text: "a b", confidence: 1 },
    { start: 2, end: 4, text: "b c", confidence: 1 },
  ];
  const turns = [
    { start: 0, end: 1, speaker: "s1" },
    { start: 1, end: 4, speaker: "s2" },
  ];
  const found = withSpeakers({ ...transcript, utterances }, turns).utterances;
  // The first is split where its second word is another's.
  expect(found.map(({ speaker }) => speaker)).toEqual(which === "first" ? ["s1", "s2", "s2"] : ["s1", "s2"]);
});

test("the parts of an utterance begin and end where it does", () => {
  const transcript = transcriptOf("a@1.5-2 b@3.5-4");
  const utterances = [{ start: 1.2, end: 4.4, text: "a b", confidence: 1 }];
  expect(withSpeakers({ ...transcript, utterances }, TURNS).utterances).toMatchObject([
    { start: 1.2, end: 2 },
    { start: 3.5, end: 4.4 },
  ]);
});

test("a word before anybody's turn joins whom it stands before", () => {
  const turns = [
    { start: 3, end: 4, speaker: "s1" },
    { start: 4, end: 5, speaker: "s2" },
  ];
  const transcript = transcriptOf("a@1-1.2 b@3-3.5 c@4.1-4.5", [0, 2, "a b c"]);
  expect(withSpeakers(transcript, turns).utterances).toMatchObject([
    { text: "a b", speaker: "s1" },
    { text: "c", speaker: "s2" },
  ]);
});

test("several turns of one speaker count together", () => {
  const turns = [
    { start: 0, end: 1, speaker: "a" },
    { start: 1, end: 2.8, speaker: "b" },
    { start: 2.8, end: 4, speaker: "a" },
  ];
  expect(withSpeakers(transcriptOf("long@0-4", [0, 0, "long"]), turns).words[0]?.speaker).toBe("a");
});

test("an utterance of one speaker keeps its text; one of two is split where the speaker changes", () => {
  const transcript = transcriptOf(
    "Well,@1-1.4 yes.@1.5-2 Really?@3.2-3.6 No.@3.8-4.1 Then@8.1-8.4 go.@8.5-8.8",
    [0, 3, "Well, yes. Really? No."],
    [4, 5, "Then go."],
  );
  const found = withSpeakers(transcript, TURNS);
  expect(found.utterances).toEqual([
    { start: 1, end: 2, text: "Well, yes.", confidence: 0.505, speaker: "speaker_1" },
    { start: 3.2, end: 4.1, text: "Really? No.", confidence: 0.525, speaker: "speaker_2" },
    { start: 8.1, end: 8.8, text: "Then go.", confidence: 0.9, speaker: "speaker_1" },
  ]);
  expect({ ...found, words: [], utterances: [] }).toEqual({ ...transcript, words: [], utterances: [] });
});

test("a language without spaces is split without any", () => {
  const transcript = transcriptOf("你好@1-2 再见@3.5-4", [0, 1, "你好再见"]);
  expect(withSpeakers(transcript, TURNS).utterances.map(({ text }) => text)).toEqual(["你好", "再见"]);
});

test("a word without a speaker splits nothing, and joins whom it stands beside", () => {
  const transcript = transcriptOf("a@4-4.5 b@6.3-6.6 c@6.7-6.8 d@8-8.5", [0, 3, "a b c d"]);
  expect(withSpeakers(transcript, TURNS).utterances).toMatchObject([
    { text: "a b c", speaker: "speaker_2", start: 4, end: 6.8 },
    { text: "d", speaker: "speaker_1", start: 8, end: 8.5 },
  ]);
});

test("where nobody speaks, and where there is no text, all stays as it is", () => {
  const transcript = transcriptOf("a@1-2", [0, 0, "a"]);
  expect(withSpeakers(transcript, [])).toEqual(transcript);
  const empty = { ...transcript, text: "", words: [], utterances: [] };
  expect(withSpeakers(empty, TURNS)).toEqual(empty);
});
