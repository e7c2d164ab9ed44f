import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Builds the images with buildah on a stand-in base, a Debian with this machine's Node, and starts them as nobody's root.
 * Needs root, `buildah` and `debootstrap`, and the network of both package managers. What only a Docker daemon or a GPU
 * can show it does not show: the published bases, CUDA, and what compose files ask of the daemon.
 */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STAND_IN = "localhost/earshot-stand-in";
const IMAGES = { cpu: [], cuda: ["CUDA_PROVIDER=none", `CUDA_IMAGE=${STAND_IN}`] } as const;

if (process.getuid?.() !== 0) throw new Error("test:images wants to be root: debootstrap and buildah do");
// Not in /tmp, which some machines mount without devices.
const directory = mkdtempSync("/var/tmp/earshot-images-");
try {
  makeStandIn();
  for (const [name, args] of Object.entries(IMAGES)) {
    build(name, [`NODE_IMAGE=${STAND_IN}`, ...args]);
    start(name);
  }
  console.log("both images build, and start as uid 10001");
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function buildah(...args: string[]): string {
  const store = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  const options = { cwd: ROOT, encoding: "utf8", env: { ...process.env, STORAGE_DRIVER: "vfs" } } as const;
  return execFileSync("buildah", [...store, ...args], { ...options, stdio: ["ignore", "pipe", "inherit"] });
}

/** What the Dockerfiles expect of their base: Debian, Node and npm. */
function makeStandIn(): void {
  const system = join(directory, "rootfs");
  const suite = process.env["DEBIAN_SUITE"] ?? "bookworm";
  const mirror = process.env["DEBIAN_MIRROR"];
  const packages = "--include=ca-certificates";
  execFileSync(
    "debootstrap",
    ["--variant=minbase", packages, suite, system, ...(mirror === undefined ? [] : [mirror])],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const node = join(system, "usr/local/bin/node");
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  // …/npm/bin/npm-cli.js, wherever this machine has it.
  const npm = join(realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim()), "../..");
  mkdirSync(join(system, "usr/local/lib/node_modules"), { recursive: true });
  cpSync(npm, join(system, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const tool of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${tool}-cli.js`, join(system, "usr/local/bin", tool));
  const authorities = "/etc/ssl/certs/ca-certificates.crt";
  copyFileSync(process.env["NODE_EXTRA_CA_CERTS"] ?? authorities, join(system, authorities));
  const container = buildah("from", "scratch").trim();
  buildah("add", container, system, "/");
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  buildah("config", "--env", `NODE_EXTRA_CA_CERTS=${authorities}`, "--env", `PATH=${path}`, container);
  buildah("commit", "--rm", container, STAND_IN);
}

function build(name: string, args: readonly string[]): void {
  const file = `infra/images/Dockerfile.${name}`;
  const given = args.flatMap((arg) => ["--build-arg", arg]);
  buildah(
    "bud",
    "--isolation",
    "chroot",
    ...given,
    "--ignorefile",
    `${file}.dockerignore`,
    "-f",
    file,
    "-t",
    name,
    ".",
  );
}

/** The worker finds its configuration missing, which it can only say once all of it is loaded. */
const PROBE = `
  set -u
  [ "$(id -u)" = 10001 ] || { echo "runs as $(id -u)"; exit 1; }
  ! touch /earshot/probe 2>/dev/null || { echo "/earshot can be written"; exit 1; }
  [ -z "$(find / -path /proc -prune -o -path '*/.git' -print -o -name '*.test.ts' -path '/earshot/packages/*/src/*' -print 2>/dev/null | head -1)" ] || { echo "tests are in it"; exit 1; }
  ffmpeg -version >/dev/null && prlimit --version >/dev/null || exit 1
  node packages/cli/src/main.ts --version >/dev/null || exit 1
  node packages/worker/src/analyze.main.ts 2>&1 | grep -q 'EARSHOT_DATABASE_URL' || { echo "the worker does not start"; exit 1; }`;

function start(name: string): void {
  const container = buildah("from", `localhost/${name}`).trim();
  buildah("run", "--isolation", "chroot", "--user", "10001:10001", container, "--", "sh", "-c", PROBE);
  buildah("rm", container);
}
