import { isDeepStrictEqual } from "node:util";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import type { WorkerConfig } from "./config.ts";

/** What a worker takes over while it runs. Everything else is read when it starts. */
const LIVE: readonly (keyof WorkerConfig)[] = [
  "LANES",
  "BATCH",
  "BATCH_DELAY_MS",
  "LANE_MEMORY_MB",
  "MODEL_MEMORY_MB",
  "MODELS_DIR",
  "MODELS_MANIFEST",
  "ACCOUNT_JOBS",
  "LEASE_SECONDS",
  "MAX_AUDIO_SECONDS",
  "RESULT_SEAL_KEY",
  "ALLOW_LOOPBACK",
  "LOG_LEVEL",
];

/** What the last reload came to. Names of variables, never their values. */
export interface Reload {
  at: Date;
  /** Taken over: jobs that begin from then on have them. */
  changed: readonly string[];
  /** Changed, and of no effect before the next start. */
  needRestart: readonly string[];
  /** Why nothing was taken over. */
  error: string | null;
}

export interface ReloadableOptions {
  /** As the process would start with now. @throws ConfigError */
  read(): WorkerConfig;
  /** @throws Error when it can't be, and nothing has changed. */
  apply(config: WorkerConfig): Promise<void>;
  log: Log;
}

export interface ReloadableSettings {
  /** For whatever begins now. */
  readonly current: WorkerConfig;
  readonly lastReload: Reload | null;
  /** Reads and applies anew, after a reload that is under way. It never throws: a wrong configuration leaves all as it was. */
  reload(): Promise<void>;
}

export function reloadableSettings(started: WorkerConfig, options: ReloadableOptions): ReloadableSettings {
  let current = started;
  let lastReload: Reload | null = null;
  let under: Promise<void> = Promise.resolve();

  async function reload(): Promise<void> {
    const at = new Date();
    try {
      const next = options.read();
      const names = Object.keys(next) as (keyof WorkerConfig)[];
      const changed = names.filter((name) => LIVE.includes(name) && differs(next, current, name));
      const needRestart = names.filter((name) => !LIVE.includes(name) && differs(next, started, name));
      // Files behind the same names may be others, so this is done even if nothing has changed.
      const applied = { ...current, ...pick(next, LIVE) };
      await options.apply(applied);
      current = applied;
      lastReload = { at, changed: variables(changed), needRestart: variables(needRestart), error: null };
      options.log.info("reloaded", { changed: lastReload.changed, need_restart: lastReload.needRestart });
    } catch (error) {
      lastReload = { at, changed: [], needRestart: [], error: messageOf(error) };
      options.log.error("reload_refused", describeError(error));
    }
  }

  return {
    get current() {
      return current;
    },
    get lastReload() {
      return lastReload;
    },
    reload: () => (under = under.then(reload)),
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function differs(one: WorkerConfig, other: WorkerConfig, name: keyof WorkerConfig): boolean {
  return !isDeepStrictEqual(one[name], other[name]);
}

function pick(config: WorkerConfig, names: readonly (keyof WorkerConfig)[]): Partial<WorkerConfig> {
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}

function variables(names: readonly string[]): string[] {
  return names.map((name) => `EARSHOT_${name}`).toSorted();
}
