import type { Command } from "commander";
import type { EnrolOptions } from "./enrol-box.ts";
import type { ExitStatus } from "./command-error.ts";
import type { InstallOptions } from "./install-worker.ts";
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

const ENROL_HELP = `
Examples:
  earshot worker enrol --code eb_… --api https://earshot.example.com --out /etc/earshot/box-key

The code is of \`earshot boxes invite\`. The worker is told where its key is by EARSHOT_BOX_KEY_FILE.`;

/** `earshot worker status|enrol|install`. */
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

  worker
    .command("enrol")
    .description("Make a key of this machine's own, and register it by a one-time code")
    .requiredOption("--code <code>", "of `earshot boxes invite`")
    .requiredOption("--api <url>", "where the API is")
    .option("--out <file>", "where the key is kept, readable by you alone (default: box-key in EARSHOT_HOME)")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", ENROL_HELP)
    .action(async (options: EnrolOptions) => (await import("./enrol-box.ts")).enrolBox(options, terminal));

  worker
    .command("install")
    .description("Write what starts a worker at boot: a hardened systemd unit or a compose file")
    .option("--systemd", "a unit, for this checkout")
    .option("--compose", "a compose file, for an image")
    .option("--key <file>", "the key that `worker enrol` wrote", "/etc/earshot/box-key")
    .option("--root <directory>", "write below it", "/")
    .option("--dry-run", "show the files, and write nothing")
    .action(async (options: InstallOptions) =>
      (await import("./install-worker.ts")).installWorker(options, terminal),
    );
}
