import { CommanderError } from "commander";
import { EXIT, toCommandError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { createProgram } from "./program.ts";
import { errorJson } from "./report-error.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line to its end and answers the exit status. Errors are told; none is thrown. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  let status: ExitStatus = EXIT.done;
  const finish = (ended: ExitStatus) => {
    status = ended;
  };
  try {
    await createProgram(terminal, finish).parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    return tell(error, args, terminal);
  }
}

function tell(error: unknown, args: readonly string[], terminal: Terminal): ExitStatus {
  const told = toCommandError(error);
  if (args.includes("--json")) terminal.out(errorJson(told));
  else terminal.err(`earshot: ${told.message}`);
  if (told.status === EXIT.usage) terminal.err("Try: earshot --help");
  return told.status;
}
