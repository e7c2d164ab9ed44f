import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

const MIGRATE_EXAMPLES = `
Examples, before the new version is started anywhere:
  earshot migrate --dry-run       what would be applied
  earshot migrate

The database is the one of EARSHOT_DATABASE_DIRECT_URL or EARSHOT_DATABASE_URL (or …_FILE), as its owner; without them that of
the stack in EARSHOT_HOME, which migrates itself when it starts.`;

const LOGIN_EXAMPLES = `
Example, the first password of a process and each later one:
  earshot database login deliver --out deliver.url

The old password opens nothing from then on: give the process the new one and restart it. Sessions that are open stay.`;

const INDEX_EXAMPLES = `
Examples:
  earshot database index-vectors           once, and again after a new version of music.embedding
  earshot database index-vectors --drop    every search compares all vectors again

It needs pgvector 0.8 or later in the Postgres, and the owner's login. Nothing waits meanwhile.`;

export interface MigrateOptions {
  dryRun?: true;
  json?: true;
}

export interface IndexOptions {
  drop?: true;
  json?: true;
}

/** `earshot migrate` and `earshot database setup|login|index-vectors`: what only the owner of the tables does. */
export function addDatabase(program: Command, terminal: Terminal): void {
  const load = () => import("./manage-database.ts");

  program
    .command("migrate")
    .description("Bring the database to this version: a step of its own before a release")
    .option("--dry-run", "show what would be applied, and apply nothing")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", MIGRATE_EXAMPLES)
    .action(async (options: MigrateOptions) => (await load()).migrateDatabase(options, terminal));

  const database = program.command("database").description("The database's logins and indexes");

  database
    .command("setup")
    .description(
      "Migrate, and keep in EARSHOT_HOME what the processes of one machine need: keys, logins, a first account",
    )
    .option("--json", "print JSON alone on stdout")
    .action(async (options: { json?: true }) => (await load()).setUpDatabase(options, terminal));

  database
    .command("login")
    .description("Give a process a new password; the old one opens nothing any more")
    .argument("<role>", "api, worker or deliver")
    .requiredOption("--out <file>", "where its URL goes, readable by you alone")
    .addHelpText("after", LOGIN_EXAMPLES)
    .action(async (role: string, options: { out: string }) =>
      (await load()).renewLogin(role, options, terminal),
    );

  database
    .command("index-vectors")
    .description("Give each space of vectors an approximate index, for similar jobs among very many")
    .option("--drop", "take the indexes away")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", INDEX_EXAMPLES)
    .action(async (options: IndexOptions) => (await load()).manageVectorIndexes(options, terminal));
}
