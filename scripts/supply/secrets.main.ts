import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findSecrets } from "./find-secrets.ts";

/**
 * Looks for secrets in every file that git tracks here, and with `--history` in every line that a commit ever added.
 * Status 1 when one is found; it says where, and never what.
 */
const { values: options } = parseArgs({ options: { history: { type: "boolean", default: false } } });

const found = [...inFiles(), ...(options.history ? inHistory() : [])];
for (const line of found) console.error(line);
if (found.length === 0) console.error("no secret found");
process.exitCode = found.length === 0 ? 0 : 1;

function inFiles(): string[] {
  const files = git("ls-files", "-z").split("\0").filter(Boolean);
  return files.flatMap((file) =>
    findSecrets(readFileSync(file, "latin1")).map(({ line, kind }) => `${file}:${line}: ${kind}`),
  );
}

/** Commit by commit, so that none of them is too large for memory. */
function inHistory(): string[] {
  return git("rev-list", "--all")
    .split("\n")
    .filter(Boolean)
    .flatMap((commit) => {
      const added = git("show", "--no-color", "--unified=0", "--format=%B", commit)
        .split("\n")
        .filter((line) => !line.startsWith("-"))
        .map((line) => line.replace(/^\+/, ""));
      const kinds = new Set(findSecrets(added.join("\n")).map(({ kind }) => kind));
      return [...kinds].map((kind) => `${commit.slice(0, 12)}: ${kind}`);
    });
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "latin1", maxBuffer: 1024 ** 3 });
}
