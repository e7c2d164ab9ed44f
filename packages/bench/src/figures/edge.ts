import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import * as z from "zod";
import { roundsOf } from "../figure.ts";
import type { BenchContext, Figure } from "../figure.ts";
import { medianOf, rounded, sumOf } from "../statistics.ts";

const execute = promisify(execFile);
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
const WORKERS = {
  earshot: { directory: fileURLToPath(new URL("../../../api", import.meta.url)), bundle: "entry.workers.js" },
  bare: { directory: fileURLToPath(new URL("../../bare-worker", import.meta.url)), bundle: "worker.js" },
};
type Worker = (typeof WORKERS)[keyof typeof WORKERS];

/** The Worker as it would be uploaded, against hono with one route. */
export const edge: Figure = {
  name: "edge",
  async measure(context) {
    const [bytes, bareBytes] = [
      await bundled(WORKERS.earshot, context),
      await bundled(WORKERS.bare, context),
    ];
    const [ours, bare]: [Startup[], Startup[]] = [[], []];
    for (let round = 0; round < roundsOf(context, 5); round++) {
      ours.push(await startupOf(WORKERS.earshot, context));
      bare.push(await startupOf(WORKERS.bare, context));
    }
    const p50 = (runs: readonly Startup[], which: keyof Startup) => medianOf(runs.map((run) => run[which]));
    const [startup, bareStartup] = [p50(ours, "sampledMs"), p50(bare, "sampledMs")];
    return {
      figures: {
        // KB.
        "edge.bundle": { value: rounded(bytes / 1_024), goal: 150 },
        "edge.startup": { value: rounded(startup / bareStartup), goal: 2.5 },
      },
      details: {
        bare_bundle_kb: rounded(bareBytes / 1_024),
        startup_ms: rounded(startup),
        bare_startup_ms: rounded(bareStartup),
        active_ms: rounded(p50(ours, "activeMs")),
        bare_active_ms: rounded(p50(bare, "activeMs")),
        rounds: ours.length,
      },
    };
  },
};

async function bundled({ directory, bundle }: Worker, context: BenchContext): Promise<number> {
  const out = join(context.home.directory, `bundle-${bundle}`);
  await wrangler(directory, context, "deploy", "--dry-run", "--outdir", out);
  return gzipSync(await readFile(join(out, bundle))).length;
}

const profile = z.object({
  nodes: z.array(z.object({ id: z.int(), callFrame: z.object({ functionName: z.string() }) })),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

interface Startup {
  /** The whole profile. */
  sampledMs: number;
  /** Without idle time. */
  activeMs: number;
}

async function startupOf({ directory }: Worker, context: BenchContext): Promise<Startup> {
  const out = join(context.home.directory, "startup.cpuprofile");
  await wrangler(directory, context, "check", "startup", "--outfile", out);
  const { nodes, samples, timeDeltas } = profile.parse(JSON.parse(await readFile(out, "utf8")));
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  const active = timeDeltas.filter((_, i) => !idle.has(samples[i] ?? NaN));
  return { sampledMs: sumOf(timeDeltas) / 1_000, activeMs: sumOf(active) / 1_000 };
}

async function wrangler(cwd: string, { home, searchPath }: BenchContext, ...args: string[]): Promise<void> {
  const env = {
    PATH: searchPath,
    HOME: home.directory,
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_PATH: home.directory,
  };
  await execute(process.execPath, [WRANGLER, ...args], { cwd, env, timeout: 120_000 });
}
