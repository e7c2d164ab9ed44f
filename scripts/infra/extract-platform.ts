import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The environment that keeps SST and Pulumi from asking anybody. */
const OFFLINE = {
  ...process.env,
  AWS_EC2_METADATA_DISABLED: "true",
  SST_NO_BUN: "true",
  SST_SKIP_DEPENDENCY_CHECK: "true",
  SST_TELEMETRY_DISABLED: "1",
};

/** Extracts SST's platform from npm, once a clone; it needs the network for that, and no cloud. */
export default function extractPlatform(): void {
  if (existsSync(join(ROOT, ".sst/platform/config.d.ts"))) return;
  console.error("sst install …");
  const sst = join(ROOT, "packages/api/node_modules/.bin/sst");
  const { status } = spawnSync(sst, ["install", "--stage", "ci"], {
    cwd: ROOT,
    env: OFFLINE,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`sst install ended with ${status}`);
}
