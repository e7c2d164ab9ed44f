import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../claims/read-claims.ts";

/** The one that the installer runs. */
const PNPM =
  /pnpm@\d+\.\d+\.\d+/.exec(readFileSync(join(ROOT, "packages/cli/bin/install.mjs"), "utf8"))?.[0] ?? "";

/** Packages that somebody runs or installs; the others are for tests and figures. */
const SHIPPED = ["api", "worker", "shared", "cli", "sdk"].flatMap((name) => ["--filter", `@earshot/${name}`]);

/** `pnpm ARGS`, as the installer would run it, on what is shipped. */
export async function pnpmOfShipped(...args: string[]): Promise<string> {
  const { stdout } = await pnpm([...SHIPPED, ...args], ROOT);
  return stdout;
}

export function pnpm(args: string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  return promisify(execFile)("npx", ["--prefer-offline", "-y", PNPM, ...args], {
    cwd,
    env,
    maxBuffer: 1024 ** 3,
  });
}
