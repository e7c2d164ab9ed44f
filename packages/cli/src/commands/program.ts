import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { addAccounts } from "./accounts.ts";
import { addAnalyze } from "./analyze.ts";
import type { ExitStatus } from "./command-error.ts";
import { addAudit } from "./audit.ts";
import { addBackup } from "./backup.ts";
import { addBoxes } from "./boxes.ts";
import { addDatabase } from "./database.ts";
import { addDoctor } from "./doctor.ts";
import { addExport } from "./export.ts";
import { addJobs } from "./jobs.ts";
import { addKeys } from "./keys.ts";
import { addLogin } from "./login.ts";
import { addMidi } from "./midi.ts";
import { addModels } from "./models.ts";
import { addScan } from "./scan.ts";
import { addSeal } from "./seal.ts";
import { addQueue } from "./queue.ts";
import { addSimilar } from "./similar.ts";
import { addSubmit } from "./submit.ts";
import type { Terminal } from "./terminal.ts";
import { addTags } from "./tags.ts";
import { addTranscript } from "./transcript.ts";
import { addUp } from "./up.ts";
import { addWebhooks } from "./webhooks.ts";
import { addWorker } from "./worker.ts";

const EXAMPLES = `
Examples:
  earshot up                              start everything on this machine
  earshot analyze talk.wav --json         no services, only the result
  earshot submit talk.mp3 --wait          through the API
  earshot webhooks listen --forward-to http://localhost:3000/hook
  earshot worker status                   what the workers of this machine do
  earshot models list                     which models there are, and which are here
  earshot doctor                          what is missing here`;

/** Every command of `earshot`. `finish` is told the exit status of one that ends with another than 0. */
export function createProgram(terminal: Terminal, finish: (status: ExitStatus) => void): Command {
  const program = new Command("earshot")
    .description("Audio inference that you own.")
    .version(packageJson.version, "--version", "print the version")
    .helpOption("--help", "print this help")
    .addHelpText("after", EXAMPLES)
    // Whoever calls this tells the error, as JSON where that was asked for.
    .configureOutput({
      outputError() {},
      writeErr: (text) => terminal.err(text.trimEnd()),
      writeOut: (text) => terminal.out(text.trimEnd()),
    })
    .exitOverride();
  addUp(program, terminal);
  addAnalyze(program, terminal, finish);
  addSubmit(program, terminal, finish);
  addScan(program, terminal, finish);
  addExport(program, terminal);
  addTags(program, terminal, finish);
  addJobs(program, terminal);
  addMidi(program, terminal);
  addSimilar(program, terminal);
  addTranscript(program, terminal);
  addWebhooks(program, terminal);
  addAccounts(program, terminal);
  addKeys(program, terminal);
  addBoxes(program, terminal);
  addQueue(program, terminal);
  addLogin(program, terminal);
  addModels(program, terminal, finish);
  addAudit(program, terminal, finish);
  addSeal(program, terminal);
  addDatabase(program, terminal);
  addBackup(program, terminal);
  addWorker(program, terminal, finish);
  addDoctor(program, terminal, finish);
  return program;
}
