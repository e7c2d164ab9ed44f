import type { Command } from "commander";
import type { CreateBackupOptions } from "./create-backup.ts";
import type { RestoreOptions } from "./restore-backup.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot backup keygen --out backup-identity         once, on a machine that is not the one that is backed up
  earshot backup create --recipient age1… --with-keys --out /mnt/backups --keep 14
  earshot backup verify /mnt/backups/earshot-2026-11-25T031700Z.tar.gz.age --identity backup-identity
  earshot restore /mnt/backups/earshot-2026-11-25T031700Z.tar.gz.age --identity backup-identity

They work on the embedded stack of EARSHOT_HOME, which must be running for a backup, or on EARSHOT_DATABASE_URL (the owner's) and
EARSHOT_BLOBS. A backup is a gzipped tar in an age file: age, gzip and tar open it, too.`;

/** `earshot backup create|verify|keygen` and `earshot restore`. */
export function addBackup(program: Command, terminal: Terminal): void {
  const backup = program
    .command("backup")
    .description("Write all that is there into one encrypted file, and check such files")
    .addHelpText("after", EXAMPLES);

  backup
    .command("create")
    .description("Back up the database as it is at one moment, with its blobs")
    .option("--out <path>", "a file that isn't there, or a directory (default: here)", ".")
    .option("--recipient <age1…>", "whose identity opens it; may be given again", collected, [])
    .option("--plain", "encrypt nothing: whoever has the file can read it")
    .option(
      "--with-keys",
      "take the home's seal, result and audit keys along, without which sealed results stay sealed",
    )
    .option(
      "--without-blobs",
      "take only the keys and sizes of blobs, where the bucket keeps versions itself",
    )
    .option("--keep <number>", "afterwards remove all but so many of the newest backups in that directory")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: CreateBackupOptions) =>
      (await import("./create-backup.ts")).createBackup(options, terminal),
    );

  backup
    .command("verify")
    .description("Read a backup to its end and hold everything against its sums")
    .argument("<file>", "a backup")
    .option("--identity <file>", "what opens it")
    .option("--json", "print JSON alone on stdout")
    .action(async (file: string, options: RestoreOptions) =>
      (await import("./restore-backup.ts")).verify(file, options, terminal),
    );

  backup
    .command("keygen")
    .description(
      "Make an identity, and say whom to encrypt for; keep it away from the machine that is backed up",
    )
    .requiredOption("--out <file>", "where the identity goes, readable by you alone")
    .option("--json", "print JSON alone on stdout")
    .action(async (options: { out: string; json?: true }) =>
      (await import("./create-backup.ts")).makeIdentity(options, terminal),
    );

  program
    .command("restore")
    .description("Put a backup into an empty home, or an empty database")
    .argument("<file>", "a backup")
    .option("--identity <file>", "what opens it")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: RestoreOptions) =>
      (await import("./restore-backup.ts")).restore(file, options, terminal),
    );
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}
