import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";

const JOBS = 2_000;
const KILLS = 30;

test("2,000 short jobs through two lanes with 30 random kills: nothing is lost, nothing is twice", async () => {
  const said: string[] = [];
  const seed = Math.floor(Math.random() * 2 ** 31);
  const report = await runChaos({
    seed,
    seconds: 280,
    jobs: JOBS,
    largeEvery: Infinity,
    faultEveryMs: 8_000,
    faults: ["kill_lane", "kill_worker"],
    say: (line) => said.push(line),
  });
  console.log(JSON.stringify({ ...report, violations: report.violations.length }));
  expect(report.violations, `seed ${seed}\n${said.join("\n")}`).toEqual([]);
  expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(KILLS);
  expect(Object.values(report.statuses).reduce((sum, count) => sum + count, 0)).toBe(JOBS);
}, 1_800_000);
