import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Extracts SST's platform from npm (once) and type-checks sst.config.ts and infra/ against it. Touches no cloud. */
const root = fileURLToPath(new URL("..", import.meta.url));
const env = {
  ...process.env,
  AWS_EC2_METADATA_DISABLED: "true",
  SST_NO_BUN: "true",
  SST_SKIP_DEPENDENCY_CHECK: "true",
  SST_TELEMETRY_DISABLED: "1",
};

function run(name: string, command: string, args: string[]): void {
  console.error(`${name} …`);
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

function binOf(from: string, name: string, bin: string): string {
  const manifest = createRequire(join(root, from)).resolve(`${name}/package.json`);
  return join(dirname(manifest), bin);
}

if (!existsSync(join(root, ".sst/platform/config.d.ts"))) {
  run("sst install", join(root, "packages/api/node_modules/.bin/sst"), ["install", "--stage", "ci"]);
}
run("types of infra", process.execPath, [
  binOf("package.json", "typescript", "bin/tsc"),
  "--noEmit",
  "-p",
  "infra",
]);
