// Makes a fresh clone runnable: dependencies by pnpm, ffmpeg by apt where it may. Runs before every npm script, on
// any Node from 18 on, so it is plain JavaScript without dependencies, and silent and quick when nothing is missing.
// It writes to stderr alone: the stdout of `earshot … --json` belongs to the program that follows.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PNPM = "pnpm@12.21.0";
const NODE_MAJOR = 24;
const LOCK_BEAT_MS = 1_000;
const LOCK_STALE_AFTER_MS = 15_000;

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const modules = join(root, "node_modules");
// Written when pnpm has ended well: says which manifests node_modules belongs to.
const marker = join(modules, ".earshot-installed");
const ffmpegMarker = join(modules, ".earshot-ffmpeg-missing");
const lock = join(modules, ".earshot-install.lock");

const say = (line) => process.stderr.write(`earshot: ${line}\n`);

try {
  if (!isInstalled() || mustSeeToFfmpeg()) await locked(installWhatIsMissing);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function installWhatIsMissing() {
  if (!isInstalled()) await installDependencies();
  if (mustSeeToFfmpeg()) await installFfmpeg();
}

function isInstalled() {
  // pnpm writes its own file at the end of an install, ours comes after that.
  return existsSync(join(modules, ".modules.yaml")) && readOrEmpty(marker) === fingerprint();
}

/** Of everything that decides what an install puts into node_modules. */
function fingerprint() {
  const packages = readdirSync(join(root, "packages")).sort();
  const manifests = packages.map((name) => join("packages", name, "package.json"));
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests]) {
    hash.update(`\n${file}\n${readOrEmpty(join(root, file))}`);
  }
  return hash.digest("hex");
}

async function installDependencies() {
  say("installing dependencies; the first time this takes a minute or two");
  rmSync(marker, { force: true });
  rmSync(ffmpegMarker, { force: true });
  const install = [
    "install",
    "--frozen-lockfile",
    "--prefer-offline",
    "--config.confirm-modules-purge=false",
  ];
  const status = await run("npx", ["--prefer-offline", "-y", PNPM, ...install], {
    PATH: pathWithoutOurs(),
    ONNXRUNTIME_NODE_INSTALL: "skip", // Its script downloads CUDA libraries from outside the registry.
  });
  if (status !== 0) {
    throw new Error(
      `the dependencies were not installed (${status}); see above, and run the same command again`,
    );
  }
  checkNode();
  writeFileSync(marker, fingerprint());
}

/** A half-installed node_modules/.bin must not decide which Node runs the install that repairs it. */
function pathWithoutOurs() {
  const ours = join(modules, ".bin");
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory !== ours)
    .join(delimiter);
}

/** The next program needs Node 24: npm's own build of it, or the system's where npm has none. */
function checkNode() {
  if (existsSync(join(modules, ".bin", "node"))) return;
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return;
  throw new Error(
    `npm has no Node ${NODE_MAJOR} for ${process.platform}-${process.arch}; install it (this is ${process.version})`,
  );
}

/** Once for each install: who declines, or is offline, is not asked every time. */
function mustSeeToFfmpeg() {
  return !existsSync(ffmpegMarker) && !isOnPath("ffmpeg");
}

async function installFfmpeg() {
  writeFileSync(ffmpegMarker, "");
  const mayInstall =
    !process.env.EARSHOT_NO_INSTALL && process.platform === "linux" && process.getuid() === 0;
  if (mayInstall && isOnPath("apt-get") && (await aptInstall("ffmpeg"))) return;
  const command = process.platform === "darwin" ? "brew install ffmpeg" : "sudo apt-get install ffmpeg";
  say(`ffmpeg is missing: only PCM WAV files can be read. Install it, for example: ${command}`);
}

async function aptInstall(name) {
  say(`installing ${name}: apt-get install -y --no-install-recommends ${name}`);
  const quiet = ["-qq", "-o", "DPkg::Lock::Timeout=120"];
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", [...quiet, "update"], environment);
  const status = await run(
    "apt-get",
    [...quiet, "install", "-y", "--no-install-recommends", name],
    environment,
  );
  return status === 0;
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Answers the exit status, or what kept the program from having one. Its output goes to stderr. */
function run(program, args, environment) {
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    // A group of its own: a signal to npx alone would leave pnpm running.
    const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", 2, 2], detached: true });
    const forward = (signal) => process.kill(-child.pid, signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    const end = (outcome) => {
      for (const signal of signals) process.removeListener(signal, forward);
      resolve(outcome);
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (status, signal) => end(status ?? signal));
    for (const signal of signals) process.on(signal, forward);
  });
}

// `npm start` and `npm test` may run at once: one installs, the other waits. The lock is a directory, because making
// one is atomic. Its owner keeps it fresh; a dead owner's is taken over.

async function locked(work) {
  mkdirSync(modules, { recursive: true });
  for (let hasSaidSo = false; !tryLock(); hasSaidSo = true) {
    if (!hasSaidSo) say("waiting for another install of this directory");
    removeStaleLock();
    await delay(200);
  }
  const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), LOCK_BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    rmSync(lock, { recursive: true, force: true });
  }
}

function tryLock() {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(lock, "pid"), String(process.pid));
  return true;
}

function removeStaleLock() {
  try {
    const pid = Number(readOrEmpty(join(lock, "pid")));
    const isStale = Date.now() - statSync(lock).mtimeMs > LOCK_STALE_AFTER_MS || (pid > 0 && !isAlive(pid));
    if (!isStale) return;
    // Renaming has one winner; removing in place could hit the lock of whoever was quicker.
    renameSync(lock, `${lock}.${process.pid}`);
    rmSync(`${lock}.${process.pid}`, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
