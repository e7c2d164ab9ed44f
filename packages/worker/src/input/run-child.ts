import { spawnChild } from "./child.ts";
import type { Exit } from "./child.ts";
import { raceAbort } from "./race-abort.ts";
import type { ChildLimits, Sandbox } from "./sandbox.ts";

export interface ChildRun {
  stdout: string;
  stderr: string;
  /** `deadline` and `flood` (too much output): it was killed, and what it said is not to be used. */
  outcome: "succeeded" | "failed" | "deadline" | "flood";
}

interface RunOptions {
  command: readonly string[];
  limits: ChildLimits;
  timeoutMs: number;
  maxStdoutBytes: number;
  signal: AbortSignal;
}

/** Runs a confined child to its end and collects its output. Rejects only on abort, or when it can't be started. */
export async function runChild(sandbox: Sandbox, options: RunOptions): Promise<ChildRun> {
  options.signal.throwIfAborted();
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const child = spawnChild(sandbox, { command: options.command, pipes: 1, limits: options.limits });
  try {
    const output = Promise.all(child.pipes.map((pipe) => collect(pipe, options.maxStdoutBytes)));
    const [texts, exit] = await raceAbort(
      Promise.all([output, child.exited]),
      AbortSignal.any([options.signal, deadline]),
    );
    return { stdout: texts.join(""), stderr: exit.stderr, outcome: outcomeOf(exit) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (deadline.aborted) return { stdout: "", stderr: "", outcome: "deadline" };
    if (error instanceof Flood) return { stdout: "", stderr: "", outcome: "flood" };
    throw error;
  } finally {
    await child.kill();
  }
}

class Flood extends Error {}

async function collect(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Flood();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function outcomeOf(exit: Exit): "succeeded" | "failed" {
  return exit.code === 0 ? "succeeded" : "failed";
}
