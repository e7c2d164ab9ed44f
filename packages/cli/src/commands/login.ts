import type { Command } from "commander";
import type { ConnectionOptions } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot login --url https://earshot.example.com
  earshot logout --url https://earshot.example.com

You approve the sign-in in a browser, on this or another machine. Its session is kept in EARSHOT_HOME and used from then on
for that API, unless a command names a key.`;

export interface LoginOptions extends ConnectionOptions {
  json?: true;
}

/** `earshot login` and `earshot logout`. */
export function addLogin(program: Command, terminal: Terminal): void {
  const load = () => import("./sign-in.ts");

  program
    .command("login")
    .description("Sign in to an Earshot API, by a browser on this or another machine")
    .option("--url <api>", "where the API is")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (options: LoginOptions) => (await load()).login(options, terminal));

  program
    .command("logout")
    .description("End the session that login began")
    .option("--url <api>", "where the API is")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: LoginOptions) => (await load()).logout(options, terminal));
}
