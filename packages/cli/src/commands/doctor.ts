import type { Command } from "commander";
import { EXIT } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import type { Check, Finding } from "./doctor-checks.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot doctor
  earshot doctor --json

Exit status: 0 all that is required is here, 3 something is missing.`;

/** `earshot doctor`: what this machine has, what it lacks, and what to do about that. */
export function addDoctor(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  program
    .command("doctor")
    .description("Check whether this machine has all that Earshot needs")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }: { json?: true }) =>
      finish(await doctor(json === true ? printJson : printLines, terminal)),
    );
}

type Report = Finding & Pick<Check, "name">;
type Print = (reports: readonly Report[], terminal: Terminal) => void;

async function doctor(print: Print, terminal: Terminal): Promise<ExitStatus> {
  const { CHECKS } = await import("./doctor-checks.ts");
  const reports = await Promise.all(
    CHECKS.map(async ({ name, run }) => ({
      name,
      ...(await run(terminal.env, terminal.signal).catch(unexpected)),
    })),
  );
  print(reports, terminal);
  return reports.some(({ state }) => state === "missing") ? EXIT.missing : EXIT.done;
}

function unexpected(error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error);
  return { state: "missing", found, advice: "Run it again; if this stays, report it with this line." };
}

function printJson(reports: readonly Report[], terminal: Terminal): void {
  terminal.out(JSON.stringify({ ok: reports.every(({ state }) => state !== "missing"), checks: reports }));
}

const MARKS = { ok: "ok     ", degraded: "note   ", missing: "MISSING" } as const;

function printLines(reports: readonly Report[], terminal: Terminal): void {
  for (const { name, state, found, advice } of reports) {
    terminal.out(`${MARKS[state]}  ${name.padEnd(14)}${found}`);
    if (advice !== undefined) terminal.out(`${"".padEnd(23)}→ ${advice}`);
  }
}
