import type { Command } from "commander";
import type { CreateKeyOptions, KeyOptions, RotateKeyOptions } from "./manage-keys.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot keys create --name laptop --scopes jobs:read,jobs:write --expires-days 90
  earshot keys create --name ci --out ci.key
  earshot keys list
  earshot keys rotate key_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --grace-hours 48 --out ci.key
  earshot keys revoke key_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD

They work on the embedded stack of EARSHOT_HOME, which must be running.`;

/** `earshot keys create|list|rotate|revoke`. */
export function addKeys(program: Command, terminal: Terminal): void {
  const keys = program
    .command("keys")
    .description("API keys of the embedded stack")
    .addHelpText("after", EXAMPLES);
  // The database's driver takes its time to load: whoever asks for another command need not wait for it.
  const load = () => import("./manage-keys.ts");

  keys
    .command("create")
    .description("Make a key; it is shown this once")
    .option("--name <name>", "what it is for", "cli")
    .option("--scopes <names>", "what it may do, separated by commas; * is everything", "*")
    .option("--expires-days <days>", "when it stops working (default: never)")
    .option("--out <file>", "write it to this file, readable by you alone, not to stdout")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: CreateKeyOptions) => (await load()).createKey(options, terminal));

  keys
    .command("list")
    .description("Show all keys, without their secrets")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: KeyOptions) => (await load()).listKeys(options, terminal));

  keys
    .command("rotate")
    .description("Replace a key by one that may do the same; it is shown this once")
    .argument("<id|prefix>", "as `keys list` shows it")
    .option("--grace-hours <hours>", "how long the old key lives on", "24")
    .option("--out <file>", "write it to this file, readable by you alone, not to stdout")
    .option("--json", "print JSON alone on stdout")
    .action(async (key: string, options: RotateKeyOptions) =>
      (await load()).rotateKey(key, options, terminal),
    );

  keys
    .command("revoke")
    .description("Make a key useless at once")
    .argument("<id|prefix>", "as `keys list` shows it")
    .option("--json", "print JSON alone on stdout")
    .action(async (key: string, options: KeyOptions) => (await load()).revokeKey(key, options, terminal));
}
