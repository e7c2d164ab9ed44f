import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("sst.config.ts and infra/ have the types of SST's platform", () => {
  const tsc = `${ROOT}node_modules/.bin/tsc`;
  const { status, stdout } = spawnSync(tsc, ["--noEmit", "-p", "infra"], { cwd: ROOT, encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
});
