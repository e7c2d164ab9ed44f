import type { Command } from "commander";
import type { Box } from "@earshot/sdk";
import { connect } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";

type BoxOptions = ConnectionOptions & { json?: true };

const EXAMPLES = `
Examples:
  earshot boxes invite --name rack-3
  earshot boxes list
  earshot boxes revoke box_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD`;

/** `earshot boxes invite|list|revoke`. */
export function addBoxes(program: Command, terminal: Terminal): void {
  const boxes = program
    .command("boxes")
    .description("The machines that do the work, each with a key of its own")
    .addHelpText("after", EXAMPLES);
  const { signal } = terminal;

  withConnection(boxes.command("invite"))
    .description("Make a code that lets one machine in, within a quarter of an hour; it is shown this once")
    .requiredOption("--name <name>", "what you call the machine")
    .action(async ({ name, ...options }: BoxOptions & { name: string }) => {
      const invited = await (await connect(options, terminal.env)).boxes.invite({ name }, { signal });
      terminal.out(options.json ? JSON.stringify(invited) : invited.code);
    });

  withConnection(boxes.command("list"))
    .description("Show the machines, revoked ones too")
    .action(async (options: BoxOptions) => {
      const earshot = await connect(options, terminal.env);
      const found: Box[] = [];
      for await (const box of earshot.boxes.list({ signal })) found.push(box);
      terminal.out(options.json ? JSON.stringify(found) : found.map(boxLine).join("\n"));
    });

  withConnection(boxes.command("revoke"))
    .description("End a machine's login and its sessions at once; another one takes up its jobs")
    .argument("<id>", "as `boxes list` shows it")
    .action(async (id: string, options: BoxOptions) => {
      await (await connect(options, terminal.env)).boxes.revoke(id, { signal });
      terminal.out(options.json ? JSON.stringify({ revoked: id }) : `revoked ${id}`);
    });
}

function boxLine({ id, name, status, revoked_at: revoked, last_seen_at: seen }: Box): string {
  const state =
    revoked === null ? `${status}, ${seen === null ? "never seen" : `seen ${seen}`}` : `revoked ${revoked}`;
  return `${id}  ${state}  ${name}`;
}
