import { joinSpaced, spacingOf } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";
import { cuesOf } from "./transcript-cues.ts";
import type { CueLimits } from "./transcript-cues.ts";

export const TRANSCRIPT_FORMATS = ["json", "txt", "srt", "vtt"] as const;
export type TranscriptFormat = (typeof TRANSCRIPT_FORMATS)[number];

const WRITERS: Record<TranscriptFormat, (transcript: Transcript, limits?: CueLimits) => string> = {
  txt: textOf,
  srt: subRipOf,
  vtt: webVttOf,
  json: (transcript) => `${JSON.stringify(transcript)}\n`,
};

/** A transcript as a file. The limits are those of cues: `txt` and `json` have none. */
export function formatTranscript(
  transcript: Transcript,
  format: TranscriptFormat,
  limits?: CueLimits,
): string {
  return WRITERS[format](transcript, limits);
}

/** A line for each utterance; where speakers are known a paragraph for each turn, after its speaker. */
function textOf({ text, utterances }: Transcript): string {
  const spaced = spacingOf(text, utterances);
  const turns = Object.values(Object.groupBy(spaced, turnCounter())).map((turn = []) => {
    const speaker = turn[0]?.part.speaker;
    return (speaker === undefined ? "" : `${speaker}: `) + joinSpaced(turn).replaceAll(/\s+/gu, " ").trim();
  });
  return turns.map((turn) => `${turn}\n`).join("");
}

/** Numbers turns: an utterance whose speaker is that of the one before is of the same. */
function turnCounter(): (utterance: { part: { speaker?: string | undefined } }) => number {
  let turn = 0;
  let last: string | undefined;
  return ({ part: { speaker } }) => {
    if (speaker === undefined || speaker !== last) turn += 1;
    last = speaker;
    return turn;
  };
}

/** SubRip. It has no escapes: only what would read as a cue's times is written in another way. */
function subRipOf(transcript: Transcript, limits?: CueLimits): string {
  const cues = cuesOf(transcript, limits, (speaker) => `${speaker}:`);
  return cues
    .map(({ start, end, lines }, i) => {
      const text = lines.join("\n").replaceAll("-->", "->");
      return `${i + 1}\n${clock(start, ",")} --> ${clock(end, ",")}\n${text}\n\n`;
    })
    .join("");
}

/** WebVTT (W3C). Speakers are voice spans. */
function webVttOf(transcript: Transcript, limits?: CueLimits): string {
  const cues = cuesOf(transcript, limits).map(({ start, end, lines, speaker }) => {
    const text = escapeVtt(lines.join("\n"));
    const voiced = speaker === undefined ? text : `<v ${escapeVtt(speaker)}>${text}</v>`;
    return `${clock(start, ".")} --> ${clock(end, ".")}\n${voiced}\n\n`;
  });
  return `WEBVTT\n\n${cues.join("")}`;
}

function escapeVtt(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** `HH:MM:SS.mmm`; from 100 hours on there are as many digits as it takes. */
function clock(seconds: number, point: "." | ","): string {
  const ms = Math.round(seconds * 1_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const [hours, minutes] = [two(ms / 3_600_000), two((ms / 60_000) % 60)];
  return `${hours}:${minutes}:${two((ms / 1_000) % 60)}${point}${String(ms % 1_000).padStart(3, "0")}`;
}
