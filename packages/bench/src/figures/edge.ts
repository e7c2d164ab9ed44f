import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import * as z from "zod";
import { coldStartOf } from "../cold-start.ts";
import type { ColdStart } from "../cold-start.ts";
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
    const [bundle, bareBundle] = [
      await bundled(WORKERS.earshot, context),
      await bundled(WORKERS.bare, context),
    ];
    const [starts, bareStarts]: [ColdStart[], ColdStart[]] = [[], []];
    for (let round = 0; round < roundsOf(context, 21); round++) {
      starts.push(await coldStartOf(bundle, context.home.directory));
      bareStarts.push(await coldStartOf(bareBundle, context.home.directory));
    }
    const [profiles, bareProfiles]: [Profile[], Profile[]] = [[], []];
    for (let round = 0; round < roundsOf(context, 5); round++) {
      profiles.push(await profileOf(WORKERS.earshot, context));
      bareProfiles.push(await profileOf(WORKERS.bare, context));
    }
    const cpu = medianOf(starts.map(whole));
    const bareCpu = medianOf(bareStarts.map(whole));
    const profile = medianOf(profiles.map(({ sampledMs }) => sampledMs));
    const bareProfile = medianOf(bareProfiles.map(({ sampledMs }) => sampledMs));
    return {
      figures: {
        // KB.
        "edge.bundle": { value: rounded((await gzippedBytesOf(bundle)) / 1_024), goal: 150 },
        "edge.startup": { value: rounded(cpu / bareCpu), goal: 2.5 },
        "edge.startup.profile": { value: rounded(profile / bareProfile) },
      },
      details: {
        bare_bundle_kb: rounded((await gzippedBytesOf(bareBundle)) / 1_024),
        cpu_ms: rounded(cpu),
        bare_cpu_ms: rounded(bareCpu),
        evaluation_cpu_ms: rounded(medianOf(starts.map(({ evaluationMs }) => evaluationMs))),
        bare_evaluation_cpu_ms: rounded(medianOf(bareStarts.map(({ evaluationMs }) => evaluationMs))),
        profile_ms: rounded(profile),
        bare_profile_ms: rounded(bareProfile),
        profile_active_ms: rounded(medianOf(profiles.map(({ activeMs }) => activeMs))),
        bare_profile_active_ms: rounded(medianOf(bareProfiles.map(({ activeMs }) => activeMs))),
        rounds: starts.length,
        profile_rounds: profiles.length,
      },
    };
  },
};

const whole = ({ launchMs, evaluationMs }: ColdStart) => launchMs + evaluationMs;

/** @returns the file that would be uploaded. */
async function bundled({ directory, bundle }: Worker, context: BenchContext): Promise<string> {
  const out = join(context.home.directory, `bundle-${bundle}`);
  await wrangler(directory, context, "deploy", "--dry-run", "--outdir", out);
  return join(out, bundle);
}

async function gzippedBytesOf(file: string): Promise<number> {
  return gzipSync(await readFile(file)).length;
}

const profileSchema = z.object({
  nodes: z.array(z.object({ id: z.int(), callFrame: z.object({ functionName: z.string() }) })),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

interface Profile {
  /** The whole profile. */
  sampledMs: number;
  /** Without idle time. */
  activeMs: number;
}

async function profileOf({ directory }: Worker, context: BenchContext): Promise<Profile> {
  const out = join(context.home.directory, "startup.cpuprofile");
  await wrangler(directory, context, "check", "startup", "--outfile", out);
  const { nodes, samples, timeDeltas } = profileSchema.parse(JSON.parse(await readFile(out, "utf8")));
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
