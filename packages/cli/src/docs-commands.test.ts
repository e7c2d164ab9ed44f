import { execFile, spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync, globSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProgram } from "./commands/program.ts";
import type { Terminal } from "./commands/terminal.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PAGES = globSync(["README.md", "samples/README.md", "docs/**/*.md"], { cwd: ROOT });

const HOW = `Above each \`\`\`sh block stands, on a line of its own, what becomes of it:
  <!-- commands: run -->                        this test runs it in an empty directory
  <!-- commands: run by packages/…/x.test.ts --> that test runs these commands
  <!-- commands: need WHAT -->                  no test has what they need: an account, weights, a GPU`;

interface Block {
  page: string;
  line: number;
  /** What the marker says; null without one. */
  fate: string | null;
  script: string;
}

const BLOCKS = (await Promise.all(PAGES.toSorted().map(blocksOf))).flat();

async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  const blocks = text.matchAll(
    /(?:<!-- commands: ([^\n]+?) -->\n)?^```(?:sh|bash|shell|console)\n([\s\S]*?)^```$/gm,
  );
  return [...blocks].map(({ 1: fate = null, 2: script = "", index }) => ({
    page,
    line: text.slice(0, index).split("\n").length,
    fate,
    script,
  }));
}

test("every block of commands says what becomes of it", () => {
  expect(BLOCKS.length).toBeGreaterThan(20);
  const silent = BLOCKS.filter(
    ({ fate }) => fate === null || !/^(run$|run by \S+\.test\.ts|need \S)/.test(fate),
  );
  expect(
    silent.map(({ page, line }) => `${page}:${line}`),
    HOW,
  ).toEqual([]);
});

test.for(BLOCKS)("$page:$line is shell", ({ script }) => {
  expect(spawnSync("bash", ["-n"], { input: script, encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });
});

describe("the commands of", () => {
  test.for(BLOCKS)("$page:$line are there, with these options", ({ script }) => {
    expect(earshotCommands(script).flatMap(strangeness)).toEqual([]);
  });

  test.for(BLOCKS.filter(({ fate }) => fate?.startsWith("run by")))(
    "$page:$line are those of the test that it names",
    ({ fate, page, script }) => {
      const [file = ""] = /\S+\.test\.ts/.exec(fate ?? "") ?? [];
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      const source = readFileSync(join(ROOT, file), "utf8");
      // Word for word, or one by one.
      if (source.includes(`"${page}"`)) return;
      const missing = earshotCommands(script)
        .map(commandWords)
        .filter((words) => !source.includes(`"${words.join('", "')}"`));
      expect(missing).toEqual([]);
    },
  );

  test.for(BLOCKS.filter(({ fate }) => fate === "run"))(
    "$page:$line do what they say",
    async ({ script }) => {
      const directory = await mkdtemp(join(tmpdir(), "earshot-docs-"));
      onTestFinished(() => rm(directory, { recursive: true }));
      const earshot = join(directory, "earshot");
      await writeFile(
        earshot,
        `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "packages/cli/src/main.ts")}" "$@"\n`,
      );
      await chmod(earshot, 0o755);
      const env = {
        PATH: `${directory}:${process.env["PATH"]}`,
        HOME: directory,
        EARSHOT_HOME: join(directory, "home"),
      };
      await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: directory, env });
    },
  );
});

const PROGRAM = createProgram({} as Terminal, () => {});

/** The calls of `earshot` in a script, as words. */
function earshotCommands(script: string): string[][] {
  return script
    .replaceAll("\\\n", " ")
    .split(/\n|&&|;|\||\$\(|\)/)
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .flatMap((line) => /^(?:sudo )?(?:npx )?(?:earshot|npm run -s earshot --)\s+(.+)$/.exec(line)?.[1] ?? [])
    .map((words) => words.split(/\s+/));
}

/** `seal rotate` of `seal rotate --json`. */
function commandWords(words: readonly string[]): string[] {
  return words.slice(0, commandOf(words).depth);
}

function commandOf(words: readonly string[]): { command: Command; depth: number } {
  let command = PROGRAM;
  for (const [depth, word] of words.entries()) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return { command, depth };
    command = next;
  }
  return { command, depth: words.length };
}

/** What `earshot` would not understand. */
function strangeness(words: string[]): string[] {
  const { command, depth } = commandOf(words);
  const options = new Set(
    [...command.options, ...PROGRAM.options].flatMap(({ long, short }) => [long, short]),
  );
  const unknown = words.filter(
    (word) => /^--?[a-z]/.test(word) && !["--help", "-h"].includes(word) && !options.has(word.split("=")[0]),
  );
  const isGroup = command.commands.length > 0 && words.length > depth && !words[depth]?.startsWith("-");
  return [
    ...(isGroup ? [`earshot ${words.join(" ")}`] : []),
    ...unknown.map((word) => `earshot ${words.join(" ")}: ${word}`),
  ];
}

test("a command or an option that is not there is seen", () => {
  expect(
    earshotCommands(
      "KEY=$(earshot keys make --json | head)\nnpm run -s earshot -- seal status --yaml # all",
    ).flatMap(strangeness),
  ).toEqual([
    "earshot keys make --json",
    "earshot keys make --json: --json",
    "earshot seal status --yaml: --yaml",
  ]);
});

test("every script of npm that a page names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = BLOCKS.flatMap(({ script }) =>
    [...script.matchAll(/npm run (?:-s )?([a-z][\w:]*)/g)].map(([, name = ""]) => name),
  );
  expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
});

test("every link between the pages leads somewhere", async () => {
  const broken = PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, link = ""]) => link);
    return links
      .filter((link) => !existsSync(join(ROOT, page, "..", link)))
      .map((link) => `${page}: ${link}`);
  });
  expect(broken.filter((link) => !link.endsWith("CHANGELOG.md"))).toEqual([]);
});
