import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import * as z from "zod";
import { threadMillisecondsOf } from "./process-usage.ts";

/** Processor time of a workerd with one Worker, which is what wrangler's own runtime for start-up profiles is. */
export interface ColdStart {
  /** From its launch until it listens: the runtime itself, and the compilation of the script. */
  launchMs: number;
  /** Of the first request, which imports the script: its evaluation, and an answer of two bytes. */
  evaluationMs: number;
}

const requireOfWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
const WORKERD = z.object({ default: z.string() }).parse(requireOfWrangler("workerd")).default;

const LOADER = `export default {
  async fetch() {
    await import("worker.js");
    return new Response("ok");
  },
};`;

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [
    (name = "loader.js", esModule = embed "loader.js"),
    (name = "worker.js", esModule = embed "worker.js"),
  ],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
);
`;

/** Starts the bundle `file` in a process of its own. */
export async function coldStartOf(file: string, directory: string): Promise<ColdStart> {
  const home = await mkdtemp(join(directory, "workerd-"));
  await cp(file, join(home, "worker.js"));
  await writeFile(join(home, "loader.js"), LOADER);
  await writeFile(join(home, "config.capnp"), CONFIG);
  // What it has to tell comes by descriptor 3: {"event":"listen","socket":"http","port":…}
  const workerd = spawn(WORKERD, ["serve", join(home, "config.capnp"), "--control-fd=3"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const [stderr, control] = workerd.stdio.slice(2) as [Readable, Readable];
  const complaint = text(stderr);
  try {
    const { pid = 0 } = workerd;
    const port = await portOf(control);
    if (port === null) throw new Error(`workerd did not start: ${await complaint}`);
    const launchMs = threadMillisecondsOf(pid);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    if ((await answer.text()) !== "ok") throw new Error("the Worker could not be loaded");
    return { launchMs, evaluationMs: threadMillisecondsOf(pid) - launchMs };
  } finally {
    workerd.kill("SIGKILL");
    await rm(home, { recursive: true });
  }
}

async function portOf(control: Readable): Promise<number | null> {
  let said = "";
  for await (const part of control) {
    said += String(part);
    const port = /"port":(\d+)/.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  return null;
}
