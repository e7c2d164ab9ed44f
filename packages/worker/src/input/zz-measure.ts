import { readFileSync, readdirSync } from "node:fs";
import { silentLog } from "@earshot/shared/log";
import { createLanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import { createDecoder } from "./decoder.ts";
import { findFfmpeg } from "./ffmpeg.ts";
import { detectSandbox } from "./sandbox.ts";
import { readTags } from "./tags.ts";
import { runTasks } from "../run-tasks.ts";
const [file = "", tasks = "audio.features,speech.segments"] = process.argv.slice(2);
const sandbox = await detectSandbox();
const decoder = createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox });
const lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry: createRegistry(), log: silentLog });
const kb = (pid: number | string, k: string) => { try { return Number(new RegExp(k + ":\\s+(\\d+)").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0); } catch { return 0; } };
let peakSum = 0; const peaks: Record<string, number> = {};
let series: number[] = [];
const timer = setInterval(() => {
  let sum = 0;
  const pids = [String(process.pid)];
  for (const t of readdirSync("/proc/self/task")) { try { pids.push(...readFileSync(`/proc/self/task/${t}/children`, "utf8").trim().split(" ").filter(Boolean)); } catch {} }
  for (const p of pids) { let c = ""; try { c = readFileSync(`/proc/${p}/comm`, "utf8").trim(); } catch {} const r = kb(p, "VmRSS"); sum += r; const key = p === String(process.pid) ? "worker" : `${c}`; peaks[key] = Math.max(peaks[key] ?? 0, kb(p, "VmHWM")); }
  peakSum = Math.max(peakSum, sum);
  series.push(kb(process.pid, "VmRSS"));
}, 100);
const t0 = performance.now();
const cpu0 = process.cpuUsage();
let fr = 0;
const out = await runTasks({ file, tasks: tasks.split(",").map((name) => ({ name: name as "audio.features" })), decoder, readTags: (p, { signal }) => readTags(p, { sandbox, log: silentLog, signal }), inference: lanes, maxAudioSeconds: 50_000, log: silentLog, signal: new AbortController().signal, onProgress: (p) => { fr = p.fraction; } });
clearInterval(timer);
const u = process.cpuUsage(cpu0);
const m = process.memoryUsage();
console.log(JSON.stringify({ file, tasks, sec: (performance.now() - t0) / 1000, cpu: (u.user + u.system) / 1e6, peakSumMB: peakSum / 1024, peaksMB: Object.fromEntries(Object.entries(peaks).map(([k, v]) => [k, v / 1024])), end: Object.fromEntries(Object.entries(m).map(([k, v]) => [k, Math.round(v / 2 ** 20)])), dur: out.input.duration_seconds, st: out.results.map((r) => [r.task, r.status]), series: series.filter((_, i) => i % Math.max(1, Math.floor(series.length / 20)) === 0).map((x) => Math.round(x / 1024)) }));
await lanes.close();
