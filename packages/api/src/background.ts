import type { ExecutionContext } from "hono";
import type { AppContext } from "./env.ts";

/** Lets `work`, which handles its own errors, outlive the answer. Workers must be told of it; Node lets it run. */
export function inBackground(c: AppContext, work: Promise<void>): void {
  executionContextOf(c)?.waitUntil(work);
}

function executionContextOf(c: AppContext): ExecutionContext | null {
  try {
    return c.executionCtx;
  } catch {
    // Hono throws where the runtime has none.
    return null;
  }
}
