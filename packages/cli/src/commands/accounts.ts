import type { Command } from "commander";
import type { AccountOptions, AccountSettingsOptions } from "./manage-accounts.ts";
import type { RotateWebhookSecretOptions } from "./rotate-webhook-secret.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot accounts create "Radio Nord" --json
  earshot accounts list
  earshot accounts set acc_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --max-running-jobs 4 --max-audio-seconds-per-month 3600000
  earshot accounts set acc_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --allowed-models silero_vad,msd-musicnn-1
  earshot accounts set acc_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --allowed-models all --max-running-jobs none
  earshot accounts rotate-webhook-secret acc_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --out webhook-secret

They work on the embedded stack of EARSHOT_HOME, which must be running, or with the owner's login in EARSHOT_DATABASE_URL;
there create and rotate-webhook-secret need the deployment's EARSHOT_SEAL_KEYS.
No account goes before another: they take turns, and a job's priority counts within its own.`;

/** `earshot accounts create|list|show|set|rotate-webhook-secret`. */
export function addAccounts(program: Command, terminal: Terminal): void {
  const accounts = program
    .command("accounts")
    .description("Accounts, and what they may have")
    .addHelpText("after", EXAMPLES);
  // The database's driver takes its time to load: whoever asks for another command need not wait for it.
  const load = () => import("./manage-accounts.ts");

  accounts
    .command("create")
    .description("Make an account; `keys create --account` makes its first key")
    .argument("<name>", "whose it is")
    .option("--json", "print JSON alone on stdout")
    .action(async (name: string, options: AccountOptions) =>
      (await load()).makeAccount(name, options, terminal),
    );

  accounts
    .command("list")
    .description("Show all accounts with their settings")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: AccountOptions) => (await load()).showAccounts(options, terminal));

  accounts
    .command("show")
    .description("Show an account's settings")
    .argument("<id>", "as `accounts list` shows it")
    .option("--json", "print JSON alone on stdout")
    .action(async (id: string, options: AccountOptions) => (await load()).showAccount(id, options, terminal));

  accounts
    .command("set")
    .description("Change what an account may have, from its next request on")
    .argument("<id>", "as `accounts list` shows it")
    .option("--max-queued-jobs <n>", "jobs that wait at once")
    .option("--max-running-jobs <n|none>", "jobs that run at once; none: as the worker is configured")
    .option("--max-upload-bytes-per-month <n|none>", "none: without an end")
    .option("--max-audio-seconds-per-month <n|none>", "none: without an end")
    .option("--allowed-models <ids|all>", "models whose tasks it may ask for, separated by commas")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (id: string, options: AccountSettingsOptions) =>
      (await load()).changeAccount(id, options, terminal),
    );

  accounts
    .command("rotate-webhook-secret")
    .description("Replace the secret that signs webhooks of jobs that bring none; it is shown this once")
    .argument("<id>", "as `accounts list` shows it")
    .option("--grace-hours <hours>", "how long the old secret signs beside the new one", "24")
    .option("--out <file>", "write it to this file, readable by you alone, not to stdout")
    .option("--json", "print JSON alone on stdout")
    .action(async (id: string, options: RotateWebhookSecretOptions) =>
      (await import("./rotate-webhook-secret.ts")).rotateAccountsWebhookSecret(id, options, terminal),
    );
}
