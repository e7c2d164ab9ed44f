import type { Command } from "commander";
import type { QueueOptions } from "./manage-queue.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot queue dead list
  earshot queue dead redrive --limit 50

They work on the queue of the embedded stack of EARSHOT_HOME, or on EARSHOT_QUEUE_URL with EARSHOT_DEAD_LETTER_URL.`;

/** `earshot queue dead list|redrive`. */
export function addQueue(program: Command, terminal: Terminal): void {
  const dead = program
    .command("queue")
    .description("The queue between API and workers")
    .command("dead")
    .description("Messages that no worker could read, or that came too often")
    .addHelpText("after", EXAMPLES);
  const load = () => import("./manage-queue.ts");

  dead
    .command("list")
    .description("Show them, with the reason where nobody can read one")
    .option("--limit <count>", "at most so many", "100")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: QueueOptions) => (await load()).listDead(options, terminal));

  dead
    .command("redrive")
    .description("Send the readable ones to the workers again; the others stay")
    .option("--limit <count>", "at most so many", "100")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: QueueOptions) => (await load()).redriveDead(options, terminal));
}
