import type { Command } from "commander";
import type { UpOptions } from "./run-up.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot up
  EARSHOT_PORT=9000 EARSHOT_HOME=/srv/earshot earshot up --no-sample

Ctrl-C or SIGTERM stops everything within ten seconds. The next start finds what was there.`;

/** `earshot up`: the whole product on this machine, until it is told to stop. */
export function addUp(program: Command, terminal: Terminal): void {
  program
    .command("up")
    .description("Start Postgres, the queue, a worker, the deliverer and the API, and analyse the sample")
    .option("--no-sample", "don't analyse the sample")
    .option("--verbose", "show the logs on stderr instead of writing them to files")
    .addHelpText("after", EXAMPLES)
    .action(async (options: UpOptions) => {
      const { runUp } = await import("./run-up.ts");
      await runUp(options, terminal);
    });
}
