import { Option } from "commander";
import type { Command } from "commander";
import { AppError } from "@earshot/shared/domain/errors";
import { parseTranscript } from "@earshot/shared/domain/transcript";
import { DEFAULT_CUE_LIMITS } from "@earshot/shared/domain/transcript-cues";
import { formatTranscript, TRANSCRIPT_FORMATS } from "@earshot/shared/domain/transcript-formats";
import type { TranscriptFormat } from "@earshot/shared/domain/transcript-formats";
import { usageError } from "./command-error.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import { readTaskResult } from "./task-result-source.ts";
import type { Terminal } from "./terminal.ts";

type TranscriptOptions = ConnectionOptions & {
  format: TranscriptFormat;
  maxLineCharacters: string;
  maxLines: string;
  maxCueSeconds: string;
};

const TASK = "speech.transcription";

const EXAMPLES = `
Examples:
  earshot transcript job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --format srt > talk.srt
  earshot analyze talk.mp3 --tasks speech.transcription --json > talk.json && earshot transcript talk.json`;

/** `earshot transcript`: what was said in a job, or in what `analyze --json` printed, as text, subtitles or JSON. */
export function addTranscript(program: Command, terminal: Terminal): void {
  const { maxCharacters, maxLines, maxSeconds } = DEFAULT_CUE_LIMITS;
  withConnection(program.command("transcript"))
    .description("Print what speech.transcription wrote down: text, subtitles or JSON")
    .argument("<job|file.json>", "a job's id, or a file with the JSON that analyze printed")
    .addOption(new Option("--format <format>", "what to print").choices(TRANSCRIPT_FORMATS).default("txt"))
    .option("--max-line-characters <count>", "of one line of subtitles", String(maxCharacters))
    .option("--max-lines <count>", "of one subtitle", String(maxLines))
    .option("--max-cue-seconds <seconds>", "how long one subtitle stays", String(maxSeconds))
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, options: TranscriptOptions) => {
      const limits = {
        maxCharacters: readNumber("--max-line-characters", options.maxLineCharacters),
        maxLines: readNumber("--max-lines", options.maxLines),
        maxSeconds: readNumber("--max-cue-seconds", options.maxCueSeconds),
      };
      const result = await readTaskResult(source, TASK, options, terminal);
      refuseFailed(result);
      terminal.out(formatTranscript(parseTranscript(result), options.format, limits).trimEnd());
    });
}

function readNumber(option: string, text: string): number {
  const value = Number(text);
  if (value >= 1) return value;
  throw usageError(`${option} is a number from 1 on, not "${text}".`);
}

function refuseFailed(result: unknown): void {
  const { status, error } = result as { status?: string; error?: { message?: string } };
  if (status === "failed")
    throw new AppError("tasks_failed", { message: `${TASK} failed: ${error?.message ?? ""}` });
}
