import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinSpaced, parseTranscript, spacingOf } from "./transcript.ts";
import type { Transcript, TranscriptWord } from "./transcript.ts";
import { cuesOf } from "./transcript-cues.ts";
import { formatTranscript } from "./transcript-formats.ts";

type Said = [text: string, start: number, end: number, speaker?: string | undefined];

function wordsOf(said: readonly Said[]): TranscriptWord[] {
  return said.map(([text, start, end, speaker]) => ({
    text,
    start,
    end,
    confidence: 0.9,
    ...(speaker === undefined ? {} : { speaker }),
  }));
}

function transcriptOf(words: readonly Said[], utterances: readonly Said[], separator = " "): Transcript {
  const text = (words.length > 0 ? words : utterances).map(([word]) => word).join(separator);
  return {
    language: "en",
    language_probability: 0.98,
    text,
    words: wordsOf(words),
    utterances: wordsOf(utterances),
  };
}

/** Half a second a word, without a pause. */
function spoken(text: string, from = 0, speaker?: string): Said[] {
  return text.split(" ").map((word, i) => [word, from + i / 2, from + (i + 1) / 2, speaker]);
}

const EMPTY = transcriptOf([], []);
const TALK = transcriptOf(
  [...spoken("Good morning.", 0.25, "speaker_1"), ...spoken("Is 1 < 2 & 3 > 2?", 1.5, "speaker_2")],
  [
    ["Good morning.", 0.25, 1.25, "speaker_1"],
    ["Is 1 < 2 & 3 > 2?", 1.5, 5.5, "speaker_2"],
  ],
);

describe("an empty transcript", () => {
  test.each([
    ["txt", ""],
    ["srt", ""],
    ["vtt", "WEBVTT\n\n"],
    ["json", '{"language":"en","language_probability":0.98,"text":"","words":[],"utterances":[]}\n'],
  ] as const)("is a valid file: %s", (format, file) => {
    expect(formatTranscript(EMPTY, format)).toBe(file);
  });
});

describe("two people who talk", () => {
  test("as text, each turn after its speaker", () => {
    expect(formatTranscript(TALK, "txt")).toBe("speaker_1: Good morning.\nspeaker_2: Is 1 < 2 & 3 > 2?\n");
  });

  test("as text, a turn of several utterances is one paragraph, without line breaks of theirs", () => {
    const utterances: Said[] = [
      ["One.", 0, 1, "speaker_1"],
      ["Two\nthree.", 1, 2, "speaker_1"],
      ["Four.", 2, 3, "speaker_2"],
      ["Five.", 3, 4, "speaker_1"],
    ];
    expect(formatTranscript(transcriptOf([], utterances), "txt")).toBe(
      "speaker_1: One. Two three.\nspeaker_2: Four.\nspeaker_1: Five.\n",
    );
  });

  test("as text without speakers, each utterance is a line", () => {
    const utterances: Said[] = [
      ["One.", 0, 1],
      ["Two.", 1, 2],
    ];
    expect(formatTranscript(transcriptOf([], utterances), "txt")).toBe("One.\nTwo.\n");
  });

  test("as WebVTT, a name is escaped as text is", () => {
    const file = formatTranscript(transcriptOf([["Yes.", 0, 1, "A & <B>"]], []), "vtt");
    expect(file).toContain("<v A &amp; &lt;B&gt;>Yes.</v>");
  });

  test("as SubRip, who speaks again is named again", () => {
    const words: Said[] = [
      ["Yes.", 0, 1, "speaker_1"],
      ["No.", 1, 2, "speaker_2"],
      ["Yes!", 2, 3, "speaker_1"],
    ];
    expect(formatTranscript(transcriptOf(words, []), "srt")).toContain("\nspeaker_1: Yes!\n");
  });

  test("as SubRip, each speaker named once", () => {
    expect(formatTranscript(TALK, "srt")).toBe(
      "1\n00:00:00,250 --> 00:00:01,250\nspeaker_1: Good morning.\n\n" +
        "2\n00:00:01,500 --> 00:00:05,500\nspeaker_2: Is 1 < 2 & 3 > 2?\n\n",
    );
  });

  test("as WebVTT, in voice spans, and what is its syntax escaped", () => {
    expect(formatTranscript(TALK, "vtt")).toBe(
      "WEBVTT\n\n00:00:00.250 --> 00:00:01.250\n<v speaker_1>Good morning.</v>\n\n" +
        "00:00:01.500 --> 00:00:05.500\n<v speaker_2>Is 1 &lt; 2 &amp; 3 &gt; 2?</v>\n\n",
    );
  });

  test("as JSON, what the result says and nothing else of it", () => {
    const file = formatTranscript(
      parseTranscript({ ...TALK, task: "speech.transcription", device: "cpu" }),
      "json",
    );
    expect(JSON.parse(file)).toEqual(TALK);
  });

  test("the label counts in the line, and a speaker who goes on is not named again", () => {
    const text = "One two three four five six. Seven eight nine ten.";
    const cues = cuesOf(
      transcriptOf(spoken(text, 0, "speaker_1"), []),
      { maxCharacters: 20, maxLines: 2, maxSeconds: 7 },
      (speaker) => `${speaker}:`,
    );
    expect(cues.map(({ lines }) => lines)).toEqual([
      ["speaker_1: One two", "three four five six."],
      ["Seven eight nine", "ten."],
    ]);
  });
});

describe("limits", () => {
  const LIMITS = { maxCharacters: 20, maxLines: 2, maxSeconds: 7 };
  const linesOf = (transcript: Transcript, limits = LIMITS) =>
    cuesOf(transcript, limits).map(({ lines }) => lines);

  test("without any said, two lines of 42 characters and seven seconds", () => {
    const [wide, wider] = ["a".repeat(40), "b".repeat(41)];
    const said = (words: Said[]) => cuesOf(transcriptOf(words, [])).map(({ lines }) => lines);
    expect(said(spoken(`${wide} c ${wider} d e`))).toEqual([[`${wide} c`, wider], ["d e"]]);
    const until = (end: number): Said[] => [
      ["one", 0, 4],
      ["two", 4, end],
    ];
    expect(said(until(7))).toEqual([["one two"]]);
    expect(said(until(7.1))).toEqual([["one"], ["two"]]);
  });

  test("characters are counted as a reader sees them", () => {
    const limits = { maxCharacters: 3, maxLines: 1, maxSeconds: 7 };
    expect(linesOf(transcriptOf(spoken("👩‍👩‍👧 👩‍👩‍👧"), []), limits)).toEqual([["👩‍👩‍👧 👩‍👩‍👧"]]);
  });

  test("a sentence that fits whole joins the cue, one that does not begins its own", () => {
    const text = "It rains. We stay. Tomorrow we shall walk to the sea.";
    expect(linesOf(transcriptOf(spoken(text), []))).toEqual([
      ["It rains. We stay."],
      ["Tomorrow we shall", "walk to the sea."],
    ]);
  });

  test("a sentence of several cues is parted at a late comma", () => {
    const text = "When the sun sets there, we all walk down to the harbour.";
    expect(linesOf(transcriptOf(spoken(text), []))).toEqual([
      ["When the sun sets", "there,"],
      ["we all walk down to", "the harbour."],
    ]);
  });

  test("an early comma parts nothing", () => {
    const text = "So, the tall old man went away to the far sea.";
    expect(linesOf(transcriptOf(spoken(text), []))).toEqual([
      ["So, the tall old man", "went away to the far"],
      ["sea."],
    ]);
  });

  test("no cue lasts longer than it may, but for a word that does", () => {
    const cues = cuesOf(
      transcriptOf(
        [
          ["Slow", 0, 2],
          ["song", 2, 4],
          ["Oooh", 4, 15],
          ["yes", 15, 16],
        ],
        [],
      ),
      {
        ...LIMITS,
        maxSeconds: 3,
      },
    );
    expect(cues.map(({ start, end }) => [start, end])).toEqual([
      [0, 2],
      [2, 4],
      [4, 15],
      [15, 16],
    ]);
  });

  test("a pause of more than two seconds ends a cue", () => {
    expect(
      linesOf(
        transcriptOf(
          [
            ["yes", 0, 1],
            ["and", 3, 4],
            ["no", 6.1, 7],
          ],
          [],
        ),
      ),
    ).toEqual([["yes and"], ["no"]]);
  });

  test("a word longer than a line is cut, with its time, between characters as a reader sees them", () => {
    const cues = cuesOf(transcriptOf([["Donau👩‍👩‍👧dampfschiff", 1, 2.7]], []), {
      maxCharacters: 6,
      maxLines: 1,
      maxSeconds: 7,
    });
    expect(
      cues.map(({ lines, start, end }) => [lines, ...[start, end].map((time) => Number(time.toFixed(3)))]),
    ).toEqual([
      [["Donau👩‍👩‍👧"], 1, 1.6],
      [["dampfs"], 1.6, 2.2],
      [["chiff"], 2.2, 2.7],
    ]);
  });

  test("Japanese stands without spaces, and its sentences are known", () => {
    const words: Said[] = [
      ["今日", 0, 0.5],
      ["は", 0.5, 0.7],
      ["いい", 0.7, 1],
      ["天気", 1, 1.5],
      ["です。", 1.5, 2],
      ["散歩", 2, 2.5],
      ["しましょう。", 2.5, 3.5],
    ];
    const limits = { maxCharacters: 9, maxLines: 1, maxSeconds: 7 };
    expect(linesOf(transcriptOf(words, [], ""), limits)).toEqual([
      ["今日はいい天気です。".slice(0, 7)],
      ["です。"],
      ["散歩しましょう。"],
    ]);
  });

  test("without words the utterances are laid out, their time spread over their characters", () => {
    const cues = cuesOf(transcriptOf([], [["One two three four five six seven", 10, 20]]), LIMITS);
    expect(
      cues.map(({ start, end, lines }) => [Number(start.toFixed(2)), Number(end.toFixed(2)), lines]),
    ).toEqual([
      [10, 16.97, ["One two three four", "five"]],
      [17.27, 20, ["six seven"]],
    ]);
  });
});

describe("times", () => {
  test("have as many digits of hours as it takes, and milliseconds carry over", () => {
    const file = formatTranscript(transcriptOf([["late", 359_999.9996, 360_001.5]], []), "srt");
    expect(file).toBe("1\n100:00:00,000 --> 100:00:01,500\nlate\n\n");
  });

  test("of cues that overlap are cut at the next start; of words out of order they do not decrease", () => {
    const words: Said[] = [
      ["First", 0, 4, "speaker_1"],
      ["second", 3, 5, "speaker_2"],
      ["third", 2, 2.5, "speaker_1"],
    ];
    expect(cuesOf(transcriptOf(words, [])).map(({ start, end }) => [start, end])).toEqual([
      [0, 3],
      [3, 3],
      [3, 3],
    ]);
  });

  test("a cue ends with the last of its words to end", () => {
    const words: Said[] = [
      ["Long", 0, 5],
      ["in", 1, 2],
    ];
    expect(cuesOf(transcriptOf(words, []))).toMatchObject([{ start: 0, end: 5 }]);
  });

  test("an arrow in speech does not read as the times of a cue", () => {
    const words = transcriptOf(
      [
        ["a", 0, 1],
        ["-->", 1, 2],
        ["b", 2, 3],
      ],
      [],
    );
    expect(formatTranscript(words, "srt")).toContain("\na -> b\n");
    expect(formatTranscript(words, "vtt")).toContain("\na --&gt; b\n");
  });

  test("a line break in a word does not end its cue", () => {
    expect(formatTranscript(transcriptOf([["a\n\nb", 0, 1]], []), "srt")).toBe(
      "1\n00:00:00,000 --> 00:00:01,000\na b\n\n",
    );
  });
});

test("no word is lost, no limit is broken, and no time decreases, whatever is said", () => {
  const word = fc.record({
    text: fc.stringMatching(/^[a-zäあ]{1,30}[.,]?$/u),
    seconds: fc.double({ min: 0, max: 6, noNaN: true }),
    gap: fc.double({ min: -1, max: 3, noNaN: true }),
    speaker: fc.option(fc.constantFrom("speaker_1", "speaker_2"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(word), (said) => {
      let time = 5;
      const words = said.map(({ text, seconds, gap, speaker }): Said => {
        const start = Math.max(0, time + gap);
        time = start + seconds;
        return [text, start, time, speaker];
      });
      const limits = { maxCharacters: 12, maxLines: 2, maxSeconds: 6 };
      const cues = cuesOf(transcriptOf(words, []), limits);
      const shown = cues.flatMap(({ lines }) => lines).join("");
      expect(shown.replaceAll(" ", "")).toBe(said.map(({ text }) => text).join(""));
      for (const [i, { start, end, lines }] of cues.entries()) {
        expect(lines.length).toBeLessThanOrEqual(limits.maxLines);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(limits.maxCharacters);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(start).toBeGreaterThanOrEqual(cues[i - 1]?.end ?? 0);
      }
    }),
  );
});

test("spaces are where the text has them", () => {
  const parts = ["Wir", "sagten", "今", "日", "ok"].map((text) => ({ text }));
  const text = "Wir sagten 今日 ok";
  expect(spacingOf(text, parts).map(({ isSpaced }) => isSpaced)).toEqual([false, true, true, false, true]);
  expect(joinSpaced(spacingOf(text, parts))).toBe(text);
  expect(joinSpaced(spacingOf("another text", parts.slice(0, 2)))).toBe("Wir sagten");
});
