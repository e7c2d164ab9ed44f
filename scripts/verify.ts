import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Every check of the tree but the tests. All of them run, whatever the first ones say: who breaks two things hears of both. */
const STEPS: Record<string, string[]> = {
  format: ["oxfmt", "--check"],
  lint: ["oxlint", "--deny-warnings"],
  types: ["tsc", "--noEmit"],
  unused: ["knip"],
};

const failed: string[] = [];
for (const [step, [program = "", ...args]] of Object.entries(STEPS)) {
  const start = performance.now();
  const hasPassed = await run(program, args);
  if (!hasPassed) failed.push(step);
  console.log(
    `${hasPassed ? "ok    " : "FAILED"} ${step} (${((performance.now() - start) / 1_000).toFixed(1)} s)`,
  );
}
console.log(failed.length === 0 ? "verified" : `not verified: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function run(program: string, args: string[]): Promise<boolean> {
  const child = spawn(`${root}node_modules/.bin/${program}`, args, { cwd: root, stdio: "inherit" });
  const [status] = (await once(child, "exit")) as [number | null];
  return status === 0;
}
