import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import type { FaultName } from "./faults.ts";
import { FAULTS } from "./faults.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string" },
    "jobs-per-minute": { type: "string", default: "120" },
    "fault-every-ms": { type: "string", default: "1500" },
    // Names of faults.ts, separated by commas.
    faults: { type: "string", default: Object.keys(FAULTS).join(",") },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.error(`seed ${seed}`);
const started = performance.now();
const report = await runChaos({
  seed,
  seconds: minutes * 60,
  jobs: Math.round(minutes * Number(values["jobs-per-minute"])),
  faultEveryMs: Number(values["fault-every-ms"]),
  faults: values.faults.split(",").map(faultNamed),
  say: (line) => console.error(`${((performance.now() - started) / 1_000).toFixed(1)} s  ${line}`),
});
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.violations.length === 0 ? 0 : 1;

function faultNamed(name: string): FaultName {
  if (Object.hasOwn(FAULTS, name)) return name as FaultName;
  throw new Error(`there is no fault ${name}`);
}
