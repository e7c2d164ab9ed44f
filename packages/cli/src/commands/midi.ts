import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { midiFile } from "@earshot/shared/domain/midi";
import * as z from "zod";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import { readTaskResult } from "./task-result-source.ts";
import type { Terminal } from "./terminal.ts";

type MidiOptions = ConnectionOptions & { out?: string; json?: true };

const EXAMPLES = `
Examples:
  earshot midi job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --out song.mid
  earshot analyze song.mp3 --tasks music.notes --json > song.json && earshot midi song.json

Pitch bends are in the file where the task was asked for them: --options '{"music.notes": {"pitch_bends": true}}'.`;

const notesResult = z.object({
  notes: z.array(
    z.object({
      start: z.number(),
      end: z.number(),
      pitch: z.int().min(0).max(127),
      velocity: z.int().min(0).max(127),
      pitch_bends: z.array(z.number()).optional(),
    }),
  ),
});

/** `earshot midi`: the notes of a job, or of what `analyze --json` printed, as a MIDI file. */
export function addMidi(program: Command, terminal: Terminal): void {
  withConnection(program.command("midi"))
    .description("Write the notes that music.notes found as a MIDI file")
    .argument("<job|file.json>", "a job's id, or a file with the JSON that analyze printed")
    .option("--out <file>", "where to write it (default: notes.mid)")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, options: MidiOptions) => {
      const { notes } = notesResult.parse(await readTaskResult(source, "music.notes", options, terminal));
      const out = options.out ?? "notes.mid";
      await writeFile(out, midiFile(notes));
      terminal.out(
        options.json ? JSON.stringify({ file: out, notes: notes.length }) : `${out}: ${notes.length} notes`,
      );
    });
}
