import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples, a rotation of the embedded stack's keys:
  earshot seal rotate       a new key of each kind comes first in its file
  (restart the stack)       every process knows both keys now, and seals with the new one
  earshot seal reseal       what older keys have sealed is sealed anew
  earshot seal status       how much is sealed by which key
  earshot seal drop k1      once nothing is: the old key goes

Elsewhere, put the new key first in EARSHOT_SEAL_KEYS or EARSHOT_RESULT_KEYS of every process, and run "seal reseal" with
both and with the owner's EARSHOT_DATABASE_URL. "earshot seal generate" makes keys.`;

export interface SealOptions {
  json?: true;
}

/** `earshot seal status|rotate|reseal|drop|generate`. */
export function addSeal(program: Command, terminal: Terminal): void {
  const seal = program
    .command("seal")
    .description("The keys that seal secrets and results at rest")
    .addHelpText("after", EXAMPLES);
  const load = () => import("./manage-seals.ts");

  seal
    .command("status")
    .description("Show how much is sealed by which key")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: SealOptions) => (await load()).showSeals(options, terminal));

  seal
    .command("rotate")
    .description("Put a new key of each kind first; the stack seals with it from its next start on")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: SealOptions) => (await load()).rotateSealKeys(options, terminal));

  seal
    .command("reseal")
    .description("Seal anew what older keys have sealed")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: SealOptions) => (await load()).reseal(options, terminal));

  seal
    .command("drop")
    .description("Remove a key by which nothing is sealed any more")
    .argument("<id>", "as `seal status` shows it")
    .option("--json", "print JSON alone on stdout")
    .action(async (id: string, options: SealOptions) => (await load()).dropSealKey(id, options, terminal));

  seal
    .command("generate")
    .description("Make a key for a deployment of your own, in a file that you alone can read")
    .argument("<kind>", "secrets, results or audit")
    .requiredOption("--out <file>", "where; for results and audit the public part goes to <file>.pub")
    .option("--id <id>", "of a key for secrets or results", "k1")
    .action(async (kind: string, options: { out: string; id: string }) =>
      (await load()).generateKey(kind, options, terminal),
    );
}
