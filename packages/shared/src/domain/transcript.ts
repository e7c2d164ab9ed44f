import * as z from "zod";

const seconds = z.number().min(0);
const confidence = z.number().min(0).max(1);
const speaker = z.string().min(1).optional();

const word = z.object({ text: z.string(), start: seconds, end: seconds, confidence, speaker });
const utterance = z.object({ start: seconds, end: seconds, text: z.string(), confidence, speaker });

/** What `speech.transcription` says of a file. Seconds have 3 decimals, confidences and probabilities 4. */
const transcript = z.object({
  /** ISO 639-1 where there is one, as Whisper names it: "en", "haw". Of translated speech the language that was spoken. */
  language: z.string(),
  language_probability: z.number().min(0).max(1),
  text: z.string(),
  words: z.array(word),
  utterances: z.array(utterance),
});

export type TranscriptWord = z.output<typeof word>;
export type TranscriptUtterance = z.output<typeof utterance>;
export type Transcript = z.output<typeof transcript>;

/** Of a task's result, whose other fields are left out. @throws ZodError when it is not one. */
export function parseTranscript(result: unknown): Transcript {
  return transcript.parse(result);
}

/** A word or utterance and whether a space parts it from what stands before it in the text. */
export interface Spaced<Part> {
  part: Part;
  isSpaced: boolean;
}

/** Languages differ in where they put spaces, so that is looked up in the text that the parts are of, in their order. */
export function spacingOf<Part extends { text: string }>(
  text: string,
  parts: readonly Part[],
): Spaced<Part>[] {
  let end = 0;
  return parts.map((part) => {
    const start = text.indexOf(part.text, end);
    const isSpaced = start < 0 || /\s/u.test(text.slice(end, start));
    if (start >= 0) end = start + part.text.length;
    return { part, isSpaced };
  });
}

/** The parts as one text. */
export function joinSpaced(spaced: readonly Spaced<{ text: string }>[]): string {
  return spaced.map(({ part, isSpaced }, i) => (isSpaced && i > 0 ? " " : "") + part.text).join("");
}
