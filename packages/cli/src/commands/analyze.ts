import type { Command } from "commander";
import type { AnalyzeOptions } from "./analyze-files.ts";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot analyze song.mp3
  earshot analyze talk.wav --tasks speech.segments --json
  earshot analyze *.flac --json > results.jsonl
  earshot analyze talk.wav --tasks speech.segments --options '{"speech.segments": {"threshold": 0.6}}'

Exit status: 0 done, 1 bad input or a failed task, 2 wrong usage, 3 something is missing here (see: earshot doctor).`;

/** `earshot analyze`: audio to results in this process, with no services at all. */
export function addAnalyze(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  program
    .command("analyze")
    .description("Analyse audio files here and now, without any service")
    .argument("<file...>", "audio files")
    .option("--tasks <names>", "what to find out, separated by commas (default: all whose models are here)")
    .option("--options <json>", "options of the tasks, each under its task's name")
    .option("--json", "print JSON alone on stdout: one object a line for each file")
    .option("--verbose", "show the log on stderr")
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: AnalyzeOptions) => {
      const { analyzeFiles } = await import("./analyze-files.ts");
      finish(await analyzeFiles(files, options, terminal));
    });
}
