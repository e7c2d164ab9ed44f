import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { boundMemory } from "../bound-memory.ts";
import { createLanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import { createDecoder } from "../input/decoder.ts";
import { findFfmpeg } from "../input/ffmpeg.ts";
import { detectSandbox } from "../input/sandbox.ts";
import { runTasks } from "../run-tasks.ts";
import { loopedDecoder } from "./looped-decoder.ts";
import { MEMORY_CASES } from "./memory-cases.ts";
import { timelinesOf } from "./timelines.ts";

/** The one argument, as JSON; with --expose-gc, and --no-flush-bytecode, so that no code that is dropped hides what is kept. */
export interface MeasureRequest {
  task: TaskName;
  /** Whether its models are those of MEMORY_CASES, not the published ones. */
  standIns: boolean;
  /** Heard before anything is measured, some times. */
  warmUps: readonly Sound[];
  sounds: readonly Sound[];
}

export interface Sound {
  file: string;
  /** Without it: as long as it is. */
  loopedSeconds?: number;
}

/** A line of JSON for each sound: what a run of the task on it takes, in MB, and what it says. */
export interface MeasuredRun {
  /** The most that a collection left in this process while the task heard, outside of the heap as well. */
  heardMb: number;
  /** With its result. */
  heldMb: number;
  /** The most that was resident in the lane when it was looked at, and the most at any moment. */
  laneMb: number;
  lanePeakMb: number;
  /** The most that was resident in this process at any moment, garbage and all. */
  peakMb: number;
  resultMb: number;
  seconds: number;
  found: ReturnType<typeof timelinesOf>;
}

const LOOKS = 40;
const MB = 1024 ** 2;

const request = JSON.parse(process.argv[2] ?? "") as MeasureRequest;
boundMemory();
const directory = await mkdtemp(join(tmpdir(), "earshot-measure-"));
const { standIns } = MEMORY_CASES[request.task];
const registry =
  request.standIns && standIns !== undefined
    ? await standIns(directory)
    : createRegistry({ modelsDir: process.env["EARSHOT_MODELS_DIR"] });
const lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
const sandbox = await detectSandbox({ searchPath: process.env["PATH"] ?? "" });
const decoder = createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox });
const [lane = 0] = lanes.pids;
try {
  for (const sound of request.warmUps) await measure(sound);
  for (const sound of request.sounds) console.log(JSON.stringify(await measure(sound)));
} finally {
  await lanes.close();
  await rm(directory, { recursive: true });
}

async function measure({ file, loopedSeconds }: Sound): Promise<MeasuredRun> {
  // proc(5): 5 sets the high-water mark to what is resident now.
  await Promise.all([lane, process.pid].map((pid) => writeFile(`/proc/${pid}/clear_refs`, "5")));
  const before = performance.now();
  let [looks, heardMb, laneMb] = [0, 0, 0];
  // Of a lane what is resident between its calls: while it collects its own garbage it has some of it twice.
  const look = async () => {
    heardMb = Math.max(heardMb, heldMb());
    laneMb = Math.max(laneMb, await memoryMb(lane, "VmRSS"));
  };
  const looking: Promise<void>[] = [];
  const analysis = await runTasks({
    decoder: loopedSeconds === undefined ? decoder : loopedDecoder(decoder, loopedSeconds),
    inference: lanes,
    readTags: async () => ({}),
    file,
    sha256: "",
    tasks: [{ name: request.task }],
    maxAudioSeconds: 40_000,
    log: silentLog,
    signal: new AbortController().signal,
    onProgress({ fraction }) {
      if (fraction * LOOKS < looks) return;
      looks = Math.floor(fraction * LOOKS) + 1;
      looking.push(look());
    },
  });
  await Promise.all(looking);
  const [result] = analysis.results;
  if (result?.status !== "succeeded") throw new Error(result?.error.message);
  return {
    heardMb,
    heldMb: Math.max(heardMb, heldMb()),
    laneMb: Math.max(laneMb, await memoryMb(lane, "VmRSS")),
    lanePeakMb: await memoryMb(lane, "VmHWM"),
    peakMb: await memoryMb(process.pid, "VmHWM"),
    resultMb: JSON.stringify(result).length / MB,
    seconds: (performance.now() - before) / 1_000,
    found: timelinesOf(result, analysis.input.duration_seconds),
  };
}

/** The second collection ends what the first began: what arrays had outside of the heap is given back behind its back. */
function heldMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
}

async function memoryMb(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1_024;
}
