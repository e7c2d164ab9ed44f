import type { Command } from "commander";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";
import type { WorkerStatusOptions } from "./worker-status.ts";

const STATUS_HELP = `
Examples:
  earshot worker status
  EARSHOT_HOME=/var/lib/earshot earshot worker status --json

Each worker whose EARSHOT_HOME is this one is asked over a socket in its run/, as whoever it runs as or as root.

States: starting, ready, busy (no room for another job), draining (it was told to stop), defunct (it computes something else than it
should, and takes no job).

Exit status: 0 every worker works, 1 one is defunct or does not answer, 3 there is none.`;

/** `earshot worker status`. */
export function addWorker(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  const worker = program.command("worker").description("The inference workers of this machine");

  worker
    .command("status")
    .description("What they do: state, lanes, models, jobs, and how much waits")
    .option("--json", "print JSON alone on stdout, one worker a line")
    .addHelpText("after", STATUS_HELP)
    .action(async (options: WorkerStatusOptions) => {
      const { showWorkers } = await import("./worker-status.ts");
      finish(await showWorkers(options, terminal));
    });
}
