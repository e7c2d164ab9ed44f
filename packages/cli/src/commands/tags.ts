import type { Command } from "commander";
import { TAGS } from "../library/tag-plan.ts";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";
import type { TagOptions } from "./write-library-tags.ts";

const EXAMPLES = `
Examples:
  earshot tags write ~/Music                      what would be written, file by file
  earshot tags write ~/Music --apply
  earshot tags write ~/Music --fields bpm,key,replaygain --apply

  bpm         BPM
  key         INITIALKEY, such as Am or F#
  mood        MOOD: the tags of the regular tier
  tags        EARSHOT_TAGS: the five tags that fit best
  replaygain  REPLAYGAIN_TRACK_GAIN and _PEAK, to -18 LUFS

EARSHOT_MODELS says what found them. What somebody else has written stays, unless --overwrite is given; what Earshot wrote is renewed.
Each file is copied, written and compared: its audio, its pictures and its other tags must be the same before the copy takes its place.`;

/** `earshot tags write`: what a scan has found, into the files. */
export function addTags(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  const tags = program.command("tags").description("Put what `earshot scan` has found into the files");
  tags
    .command("write")
    .description("Show which tags would be written into the files of a library, or with --apply write them")
    .argument("<directory>", "where the library is")
    .option("--fields <names>", `what to write, of ${Object.keys(TAGS).join(", ")}`, "bpm,key,mood,tags")
    .option("--overwrite", "also what somebody else has written")
    .option("--apply", "write; without it nothing is changed")
    .option("--json", "print JSON alone on stdout, a line for each file")
    .addHelpText("after", EXAMPLES)
    .action(async (directory: string, options: TagOptions) => {
      // TagLib is a megabyte that no other command needs.
      const { writeLibraryTags } = await import("./write-library-tags.ts");
      finish(await writeLibraryTags(directory, options, terminal));
    });
}
