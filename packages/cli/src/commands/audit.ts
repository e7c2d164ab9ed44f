import type { Command } from "commander";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";
import type { RotateAuditKeyOptions } from "./rotate-audit-key.ts";
import type { VerifyAuditOptions } from "./verify-audit.ts";

const EXAMPLES = `
Examples:
  earshot audit verify
  earshot audit verify --head /mnt/elsewhere/earshot-audit-head --save-head /mnt/elsewhere/earshot-audit-head
  earshot audit verify --head 1041:9f2c… --json

It works on the embedded stack of EARSHOT_HOME, which must be running, or on EARSHOT_DATABASE_URL with --public-keys.
The head is what the deliverer logs at each seal. Keep one where the database's operators can't write: without it
nobody can tell a log whose end was cut off from a younger one. The stack keeps one in its home.`;

const ROTATION = `
The public key of the old one stays in its file: what it has signed is verified by it as before. Once the new key has signed a
seal, no later seal of the old one is believed, and a deliverer that was not restarted signs no more.

Examples:
  earshot audit rotate-key && npm start
  earshot audit rotate-key --key /run/earshot/audit-key --public-keys /etc/earshot/audit-key.pub`;

/** `earshot audit verify|rotate-key`. */
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

  audit
    .command("rotate-key")
    .description("Replace the key that signs the seals; the deliverer signs with it from its next start on")
    .option("--key <file>", "the file that holds the key (default: the home's)")
    .option(
      "--public-keys <file>",
      "the public keys of the seals, to which the new one is added (default: the home's)",
    )
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", ROTATION)
    .action(async (options: RotateAuditKeyOptions) => {
      const { rotateAuditKey } = await import("./rotate-audit-key.ts");
      await rotateAuditKey(options, terminal);
    });
}
