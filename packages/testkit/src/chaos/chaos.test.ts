import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";
import { FAULTS } from "./faults.ts";

/** Another one each time; `npm run chaos -- --seed N` repeats the faults of a run that failed. */
const SEED = Number(process.env["EARSHOT_CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test("under every fault each accepted job ends once, with one result a task and one webhook", async () => {
  const said: string[] = [];
  const report = await runChaos({
    seed: SEED,
    seconds: 12,
    jobs: 24,
    faultEveryMs: 600,
    say: (line) => said.push(line),
  });
  expect(report.violations, `seed ${SEED}\n${said.join("\n")}`).toEqual([]);
  expect(Object.keys(report.faults).toSorted()).toEqual(Object.keys(FAULTS).toSorted());
  expect(Object.values(report.statuses).reduce((sum, count) => sum + count, 0)).toBe(24);
  expect(report.statuses["succeeded"] ?? 0).toBeGreaterThan(0);
  expect(report.blobs).toBeGreaterThan(0);
}, 400_000);
