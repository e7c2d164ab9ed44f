import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { findDescendants } from "../processes.ts";

/** A process of the product that is started again whenever it ends, as a supervisor does. */
export interface Victim {
  name: string;
  /** What it said when it was ready last. */
  ready(): Promise<Record<string, unknown>>;
  /** Every process that it or an earlier one of it ever had below itself, as far as it was looked. */
  descendants: Set<number>;
  /** Its last lines, for whoever looks for the reason of a failure. */
  log(): string;
  /** How often it ended without having been killed. */
  crashes(): number;
  kill(): Promise<void>;
  /** Sends it to the process alone, not to its children. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL for one of its children whose command line fits. @returns false when there is none. */
  killChild(command: RegExp): Promise<boolean>;
  /** SIGTERM; it isn't started again. @returns its exit status. */
  stop(): Promise<number | null>;
}

const LOG_CHARACTERS = 200_000;

export function startVictim(name: string, main: string, env: Record<string, string>): Victim {
  let child: ChildProcess;
  let log = "";
  let isStopping = false;
  let killed = false;
  let wasReady = false;
  let crashes = 0;
  let isReady: Promise<Record<string, unknown> | null>;
  const descendants = new Set<number>();

  function start(): void {
    child = fork(main, { detached: true, stdio: ["ignore", "ignore", "pipe", "ipc"], env, execArgv: [] });
    isReady = Promise.race([
      once(child, "message").then(([message]) => {
        wasReady = true;
        return message as Record<string, unknown>;
      }),
      once(child, "exit").then(() => null),
    ]);
    child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_CHARACTERS)));
    child.once("exit", (code, signal) => {
      if (isStopping) return;
      // Without a database an API doesn't start; that is for its supervisor to try again.
      if (!killed && wasReady) {
        crashes += 1;
        log += `\nCRASHED with ${code ?? signal}\n`;
      }
      killed = false;
      wasReady = false;
      start();
    });
  }

  async function look(): Promise<Awaited<ReturnType<typeof findDescendants>>> {
    const found = await findDescendants(child.pid ?? 0);
    for (const { pid } of found) descendants.add(pid);
    return found;
  }

  start();
  return {
    name,
    async ready() {
      // One that ends before it is ready is started again.
      for (;;) {
        const said = await isReady;
        if (said !== null) return said;
        await delay(20);
      }
    },
    descendants,
    log: () => log,
    crashes: () => crashes,
    async kill() {
      await look();
      killed = true;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    signal: (name) => void child.kill(name),
    async killChild(command) {
      const victim = (await look()).find((found) => command.test(found.command));
      if (victim === undefined) return false;
      try {
        return process.kill(victim.pid, "SIGKILL");
      } catch {
        return false;
      }
    },
    async stop() {
      await look();
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const [code] = await exited;
      return code as number | null;
    },
  };
}
