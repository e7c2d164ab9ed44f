import type { Command } from "commander";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";
import type { VerifyAuditOptions } from "./verify-audit.ts";

const EXAMPLES = `
Examples:
  earshot audit verify
  earshot audit verify --head /mnt/elsewhere/earshot-audit-head --save-head /mnt/elsewhere/earshot-audit-head
  earshot audit verify --head 1041:9f2c… --json

It works on the embedded stack of EARSHOT_HOME, which must be running, or on EARSHOT_DATABASE_URL with --public-keys.
The head is what the deliverer logs at each seal. Keep one where the database's operators can't write: without it
nobody can tell a log whose end was cut off from a younger one. The stack keeps one in its home.`;

/** `earshot audit verify`. */
export function addAudit(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  const audit = program
    .command("audit")
    .description("The audit log and its signed seals")
    .addHelpText("after", EXAMPLES);

  audit
    .command("verify")
    .description("Find rows that were changed, removed, put in or cut off; status 1 when there are any")
    .option("--head <file|head>", "the last known head: the log must hold it still")
    .option("--save-head <file>", "write the head there when all is well")
    .option("--public-keys <file>", "the public keys of the seals, one a line (default: the home's)")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (options: VerifyAuditOptions) => {
      const { verifyAuditLog } = await import("./verify-audit.ts");
      finish(await verifyAuditLog(options, terminal));
    });
}
