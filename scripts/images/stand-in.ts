import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Buildah } from "./buildah.ts";

export const STAND_IN = "localhost/earshot-stand-in";

/** Of the published base. */
const SUITE = "bookworm";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/** What the Dockerfiles expect of their bases: Debian, Node and npm. */
export function makeStandIn(buildah: Buildah, directory: string): void {
  const system = join(directory, "rootfs");
  rmSync(system, { recursive: true, force: true });
  const mirror = process.env["DEBIAN_MIRROR"];
  const args = ["--variant=minbase", "--include=ca-certificates", SUITE, system];
  execFileSync("debootstrap", [...args, ...(mirror === undefined ? [] : [mirror])], { stdio: "pipe" });
  const node = join(system, "usr/local/bin/node");
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  copyNpm(join(system, "usr/local"));
  copyFileSync(process.env["NODE_EXTRA_CA_CERTS"] ?? AUTHORITIES, join(system, AUTHORITIES));
  const container = buildah.run("from", "scratch").trim();
  buildah.run("add", container, system, "/");
  buildah.run("config", "--env", `NODE_EXTRA_CA_CERTS=${AUTHORITIES}`, "--env", `PATH=${PATH}`, container);
  buildah.run("commit", "--rm", container, STAND_IN);
  rmSync(system, { recursive: true, force: true });
}

/** Wherever this machine has it: …/npm/bin/npm-cli.js. */
function copyNpm(to: string): void {
  const npm = join(realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim()), "../..");
  mkdirSync(join(to, "lib/node_modules"), { recursive: true });
  cpSync(npm, join(to, "lib/node_modules/npm"), { recursive: true });
  for (const tool of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${tool}-cli.js`, join(to, "bin", tool));
}
