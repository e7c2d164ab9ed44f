import type { Env } from "@earshot/shared/config/env";
import type { ProgressTarget } from "../client/progress.ts";

/** All that a command sees of the world around it. */
export interface Terminal {
  env: Env;
  /** Prints one line, or several, on stdout. */
  out(text: string): void;
  /** The same on stderr. */
  err(text: string): void;
  progress: ProgressTarget;
  /** Aborts on Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}
