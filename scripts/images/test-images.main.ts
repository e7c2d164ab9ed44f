import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBuildah } from "./buildah.ts";
import { checkComposeFiles } from "./compose.ts";
import { checkContents, checkSettings } from "./image-checks.ts";
import { ROOT } from "./root.ts";
import { makeStandIn, STAND_IN } from "./stand-in.ts";

const HELP = `npm run test:images -- [--directory DIR]

Builds both Dockerfiles with buildah on a stand-in for their bases (a Debian with this machine's Node), looks through their
settings and layers, has docker compose read the compose files, and starts the services of single-box.yaml from the images: as
their own user, without capabilities, on a root that is read-only, with what the file mounts and nothing else. They have to pass
the file's own health checks, do a job, and end at SIGTERM.

It needs root, the Debian packages buildah, debootstrap, iproute2 and util-linux, 4 GB of disk in /var/tmp, and a network that
has npm's registry and a mirror of Debian. Where docker compose is not installed, that of Debian 13 is fetched and put nowhere.

  --directory DIR       keeps the base and what was built in DIR, and begins with them the next time
  DEBIAN_MIRROR         in place of debootstrap's own and apt's
  NODE_EXTRA_CA_CERTS   certificates that npm has to believe during the build; no image holds them, but the stand-in
  STORAGE_DRIVER        of buildah: overlay, or vfs where overlays can't be mounted

What only a Docker daemon can show: the published bases, Docker's seccomp profile, limits of memory and processes, networks and
published ports, restarts, and Caddy and Postgres as containers. What only a GPU can show: CUDA's provider, which is left out here.`;

const IMAGES = { cpu: [], cuda: ["CUDA_PROVIDER=none", `CUDA_IMAGE=${STAND_IN}`] } as const;

const { values: options } = parseArgs({
  options: { help: { type: "boolean", default: false }, directory: { type: "string" } },
});
if (options.help) console.log(HELP);
else testImages();

function testImages(): void {
  requireWhatItNeeds();
  // Not in /tmp, which some machines mount without devices.
  const directory = options.directory ?? mkdtempSync("/var/tmp/earshot-images-");
  mkdirSync(directory, { recursive: true });
  const buildah = openBuildah(directory);
  try {
    const compose = step("docker compose config -q accepts every compose file", () =>
      checkComposeFiles(directory),
    );
    if (buildah.has(STAND_IN)) console.log(`the stand-in of ${directory} is taken again`);
    else step("a stand-in for the bases", () => makeStandIn(buildah, directory));
    const roots = Object.fromEntries(
      Object.entries(IMAGES).map(([name, args]) => {
        step(`Dockerfile.${name} builds`, () => buildah.build(name, [`NODE_IMAGE=${STAND_IN}`, ...args]));
        step(`${name}: user, entry point and labels`, () => checkSettings(buildah, name));
        step(`${name}: no secret, no weights and no tests in a layer`, () => checkContents(buildah, name));
        return [name, { path: buildah.mount(name), env: buildah.settings(name).Env }];
      }),
    );
    const plan = join(directory, "plan.json");
    writeFileSync(plan, JSON.stringify({ directory, compose, roots }));
    step("the services of single-box.yaml start from the images", () => startServices(plan));
    console.log("both images are built, and start");
  } finally {
    buildah.unmountAll();
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

function requireWhatItNeeds(): void {
  const missing = ["buildah", "debootstrap", "ip", "setpriv", "unshare", "tar", "npm"].filter(
    (program) => spawnSync("which", [program]).status !== 0,
  );
  if (process.getuid?.() !== 0) throw new Error("test:images wants to be root: debootstrap and mounts do");
  if (missing.length > 0) throw new Error(`test:images needs ${missing.join(", ")} (see --help)`);
}

/** In a network of its own: the ports of the compose file are free there, and nothing gets out. */
function startServices(plan: string): void {
  const main = join(ROOT, "scripts/images/services.main.ts");
  const { status } = spawnSync("unshare", ["--net", process.execPath, main, plan], { stdio: "inherit" });
  if (status !== 0) throw new Error("they do not");
}

function step<T>(name: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  console.log(`ok  ${name} (${((performance.now() - start) / 1_000).toFixed(1)} s)`);
  return result;
}
