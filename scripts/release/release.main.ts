import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withRelease } from "./changelog.ts";
import { nextVersion } from "./next-version.ts";

/**
 * `release.main.ts major|minor|patch|X.Y.Z`, in a clean tree: raises every package's version, writes down how many
 * migrations the release has and what is new, commits and tags. It pushes nothing.
 */
const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();

try {
  release(process.argv[2] ?? "");
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function release(step: string): void {
  if (git("status", "--porcelain") !== "") throw new Error("commit or put away what is changed first");
  const tags = git("tag", "--list", "v*", "--sort=-v:refname").split("\n").filter(Boolean);
  const { version: current } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const version = nextVersion(current, step);
  if (tags.includes(`v${version}`)) throw new Error(`${version} is released already`);
  const [last] = tags;
  const range = last === undefined ? ["HEAD"] : [`${last}..HEAD`];
  const subjects = git("log", "--reverse", "--no-merges", "--format=%s", ...range)
    .split("\n")
    .filter(Boolean);
  if (subjects.length === 0) throw new Error(`nothing is new since ${last}`);

  for (const manifest of manifests()) {
    replaceIn(manifest, /^( {2}"version": )"[^"]*"/m, `$1"${version}"`);
  }
  writeMigrations(version);
  const changelog = existsSync("CHANGELOG.md") ? readFileSync("CHANGELOG.md", "utf8") : "";
  writeFileSync(
    "CHANGELOG.md",
    withRelease(changelog, { version, date: git("log", "-1", "--format=%cs"), subjects }),
  );
  git("add", "--all");
  git("commit", "--quiet", "--message", `Release ${version}`);
  git("tag", "--annotate", `v${version}`, "--message", `Release ${version}`);
  console.log(`v${version}: git push origin HEAD v${version}`);
}

function manifests(): string[] {
  const packages = readdirSync("packages").map((name) => join("packages", name, "package.json"));
  return ["package.json", ...packages.filter((file) => existsSync(file))];
}

/** From now on these files are linted as those of a database in use; see scripts/migrations/. */
function writeMigrations(version: string): void {
  const file = "migrations/released.json";
  const releases = JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  const count = readdirSync("migrations").filter((name) => name.endsWith(".sql")).length;
  writeFileSync(file, `${JSON.stringify({ ...releases, [version]: count }, null, 2)}\n`);
}

function replaceIn(file: string, pattern: RegExp, by: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(pattern, by));
}
