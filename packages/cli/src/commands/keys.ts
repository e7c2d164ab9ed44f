import type { Command } from "commander";
import type { CreateKeyOptions, KeyOptions, RotateKeyOptions } from "./manage-keys.ts";
import type { RotateSigningOptions, SigningOptions } from "./manage-signing-keys.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot keys create --name laptop --scopes jobs:read,jobs:write --expires-days 90
  earshot keys create --name ci --out ci.key
  earshot keys list
  earshot keys rotate key_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --grace-hours 48 --out ci.key
  earshot keys rotate-signing
  earshot keys revoke key_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD

They work on the embedded stack of EARSHOT_HOME, which must be running, or on the database of EARSHOT_DATABASE_URL; there
rotate-signing and revoke-signing need the deployment's EARSHOT_SEAL_KEYS. Keys are those of the first account without --account.`;

/** `earshot keys create|list|rotate|revoke`. */
export function addKeys(program: Command, terminal: Terminal): void {
  const keys = program
    .command("keys")
    .description("API keys of the embedded stack, and the keys that sign its access tokens")
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
    .option("--account <id>", "whose (default: the first account's)")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: CreateKeyOptions) => (await load()).createKey(options, terminal));

  keys
    .command("list")
    .description("Show all keys, without their secrets")
    .option("--account <id>", "whose (default: the first account's)")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: KeyOptions) => (await load()).listKeys(options, terminal));

  keys
    .command("rotate")
    .description("Replace a key by one that may do the same; it is shown this once")
    .argument("<id|prefix>", "as `keys list` shows it")
    .option("--grace-hours <hours>", "how long the old key lives on", "24")
    .option("--out <file>", "write it to this file, readable by you alone, not to stdout")
    .option("--account <id>", "whose (default: the first account's)")
    .option("--json", "print JSON alone on stdout")
    .action(async (key: string, options: RotateKeyOptions) =>
      (await load()).rotateKey(key, options, terminal),
    );

  keys
    .command("revoke")
    .description("Make a key useless at once")
    .argument("<id|prefix>", "as `keys list` shows it")
    .option("--account <id>", "whose (default: the first account's)")
    .option("--json", "print JSON alone on stdout")
    .action(async (key: string, options: KeyOptions) => (await load()).revokeKey(key, options, terminal));

  addSigningKeys(keys, terminal);
}

/** Keys that the access tokens of `/v1/auth/token` are signed with. */
function addSigningKeys(keys: Command, terminal: Terminal): void {
  const load = () => import("./manage-signing-keys.ts");

  keys
    .command("signing")
    .description("Show the keys that sign access tokens")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: SigningOptions) => (await load()).listSigning(options, terminal));

  keys
    .command("rotate-signing")
    .description("Publish the next signing key; it signs in ten minutes, and no token is lost")
    .option("--algorithm <name>", "EdDSA or ES256", "EdDSA")
    .option("--at-once", "sign with it at once: who caches the set has to ask again")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: RotateSigningOptions) => (await load()).rotateSigning(options, terminal));

  keys
    .command("revoke-signing")
    .description("End a signing key and every token of it; another one signs at once")
    .argument("<kid>", "as `keys signing` shows it")
    .option("--json", "print JSON alone on stdout")
    .action(async (kid: string, options: SigningOptions) =>
      (await load()).revokeSigning(kid, options, terminal),
    );
}
