import { readFile, writeFile } from "node:fs/promises";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { createEngine } from "../engine.ts";
import { runTasks } from "../run-tasks.ts";

// TASK FILE…, with --expose-gc. Prints for each file how much memory, in MB, a run of the task on it holds at most: in this
// process what a collection leaves, in the lane what is resident. The lane has run the first one some times before.
const [task, ...files] = process.argv.slice(2);
const LOOKS_EVERY_BLOCKS = 64;
/** After so many runs a lane keeps no more for the next. */
const WARM_UPS = 3;

await using engine = await createEngine({
  lanes: 1,
  threads: 1,
  device: "cpu",
  modelsDir: process.env["EARSHOT_MODELS_DIR"],
  searchPath: process.env["PATH"] ?? "",
  log: silentLog,
});
for (let warmUps = 0; warmUps < WARM_UPS; warmUps++) await analyse(files[0] ?? "");
for (const file of files) {
  const [lane = 0] = engine.inference.pids;
  // proc(5): 5 sets the high-water mark to what is resident now.
  await writeFile(`/proc/${lane}/clear_refs`, "5");
  const heldMb = await analyse(file);
  console.log(JSON.stringify({ heldMb, laneMb: await highWaterMarkMb(lane) }));
}

async function analyse(file: string): Promise<number> {
  let [blocks, mostMb] = [0, 0];
  const look = () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    mostMb = Math.max(mostMb, (heapUsed + external) / 1024 ** 2);
  };
  const { results } = await runTasks({
    ...engine,
    file,
    tasks: [{ name: task as TaskName }],
    maxAudioSeconds: 3_600,
    log: silentLog,
    signal: new AbortController().signal,
    onProgress() {
      if (blocks++ % LOOKS_EVERY_BLOCKS === 0) look();
    },
  });
  look();
  for (const result of results) if (result.status === "failed") throw new Error(result.error.message);
  return mostMb;
}

async function highWaterMarkMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1_024;
}
