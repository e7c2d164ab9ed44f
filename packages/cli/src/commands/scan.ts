import type { Command } from "commander";
import type { ExitStatus } from "./command-error.ts";
import { scanLibrary } from "./scan-library.ts";
import type { ScanOptions } from "./scan-library.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot scan ~/Music --dry-run
  earshot scan ~/Music --tasks audio.features,music.tags,music.mood
  earshot export ~/Music --format csv > library.csv
  earshot tags write ~/Music

What was done is written down in the home (EARSHOT_HOME), not in the library. Ctrl-C ends it; the same command goes on.`;

/** `earshot scan`: a whole library through the API. */
export function addScan(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  withConnection(program.command("scan"))
    .description(
      "Analyse a library of audio files through an Earshot API: what is new or has changed since the last scan",
    )
    .argument("<directory>", "where the library is")
    .option("--tasks <names>", "what to find out, separated by commas (default: as `submit`)")
    .option("--options <json>", "options of the tasks, each under its task's name")
    .option("--parallel <count>", "how many files are under way at once", "4")
    .option("--retry-failed", "ask again for files that failed, or of which a task did")
    .option("--dry-run", "only say what would be done")
    .addHelpText("after", EXAMPLES)
    .action(async (directory: string, options: ScanOptions) =>
      finish(await scanLibrary(directory, options, terminal)),
    );
}
