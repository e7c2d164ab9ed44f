import { setTimeout as delay } from "node:timers/promises";

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 50;

interface UntilOptions {
  timeoutMs?: number;
  /** What is awaited, for the message of the failure. */
  describe: string;
}

/** Asks until the answer is truthy, and gives it back. A question that throws counts as "not yet". */
export async function until<Answer>(
  question: () => Answer | Promise<Answer>,
  { timeoutMs = 10_000, describe }: UntilOptions,
): Promise<Exclude<Awaited<Answer>, undefined | null | false | 0 | "">> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    const outcome = await ask(question);
    if (outcome.answer) return outcome.answer as never;
    if (performance.now() > deadline) {
      const last =
        outcome.error === undefined
          ? `the last answer was ${show(outcome.answer)}`
          : `it threw ${show(outcome.error)}`;
      throw new Error(`Waited ${timeoutMs} ms for: ${describe}; ${last}`, { cause: outcome.error });
    }
    await delay(pauseMs);
  }
}

async function ask<Answer>(
  question: () => Answer | Promise<Answer>,
): Promise<{ answer?: Answer; error?: unknown }> {
  try {
    return { answer: await question() };
  } catch (error) {
    return { error };
  }
}

function show(value: unknown): string {
  return value instanceof Error ? value.message : (JSON.stringify(value) ?? String(value));
}
