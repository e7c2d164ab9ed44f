import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Env } from "@earshot/shared/config/env";
import { BUNDLED_TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { createLanes } from "@earshot/worker/inference/lanes";
import { createRegistry } from "@earshot/worker/inference/registry";
import { findFfmpeg, INSTALL_FFMPEG } from "@earshot/worker/input/ffmpeg";
import { detectSandbox } from "@earshot/worker/input/sandbox";
import { findBinaries } from "../stack/postgres-binaries.ts";
import { isFreePort } from "../stack/postgres-port.ts";
import { readStackConfig } from "../stack/stack-config.ts";

/** `missing`: Earshot doesn't work without it. `degraded`: it does, with less. */
export interface Finding {
  state: "ok" | "degraded" | "missing";
  found: string;
  /** What to do about it. */
  advice?: string;
}

export interface Check {
  name: string;
  run(env: Env, signal: AbortSignal): Promise<Finding>;
}

/** In the order in which they are told. */
export const CHECKS: readonly Check[] = [
  { name: "node", run: checkNode },
  { name: "ffmpeg", run: checkFfmpeg },
  { name: "sandbox", run: checkSandbox },
  { name: "onnxruntime", run: checkOnnxruntime },
  { name: "models", run: checkModels },
  { name: "home", run: checkHome },
  { name: "port", run: checkPort },
  { name: "postgres", run: checkPostgres },
];

// The first version that runs TypeScript and has all that is used here.
const OLDEST_NODE = 24;
const HEALTH_TIMEOUT_MS = 2_000;

const run = promisify(execFile);

async function checkNode(): Promise<Finding> {
  const { node } = process.versions;
  if (Number(node.split(".")[0]) >= OLDEST_NODE) return { state: "ok", found: node };
  return {
    state: "missing",
    found: node,
    advice: `Node ${OLDEST_NODE} is needed; npm start brings its own.`,
  };
}

async function checkFfmpeg(env: Env, signal: AbortSignal): Promise<Finding> {
  const paths = await findFfmpeg(env["PATH"] ?? "");
  const advice = INSTALL_FFMPEG;
  if (paths === null) return { state: "missing", found: "ffmpeg and ffprobe are not both in PATH", advice };
  const versions = await Promise.all([paths.ffmpeg, paths.ffprobe].map((path) => versionOf(path, signal)));
  return { state: "ok", found: versions.join(", ") };
}

/** The first line of `ffmpeg -version` is "ffmpeg version 5.1.6-0+deb12u1 Copyright …". */
async function versionOf(path: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await run(path, ["-version"], { signal });
  return stdout.split(" ").slice(0, 3).join(" ").replace(" version", "");
}

async function checkSandbox(env: Env): Promise<Finding> {
  const sandbox = await detectSandbox({ searchPath: env["PATH"] ?? "" });
  const lacks = [
    ...(sandbox.hasLimits ? [] : ["memory limits (prlimit)"]),
    ...(sandbox.isolatesNetwork ? [] : ["network isolation (unshare)"]),
    ...(sandbox.diesWithParent ? [] : ["cleaning up after a crash (setpriv)"]),
  ];
  if (lacks.length === 0) return { state: "ok", found: "decoders run with limits and without a network" };
  const advice = "Install util-linux, or run on Linux, to confine decoders fully.";
  return { state: "degraded", found: `decoders run without ${lacks.join(", ")}`, advice };
}

async function checkOnnxruntime(): Promise<Finding> {
  const registry = createRegistry();
  const lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog }).catch(
    () => null,
  );
  if (lanes === null) {
    const advice = "Install the dependencies again: rm -rf node_modules, then npm start.";
    return { state: "missing", found: "onnxruntime does not load in a process of its own", advice };
  }
  await lanes.close();
  return { state: "ok", found: "loads (cpu)" };
}

/** The models of a fresh install are required; the others only by those who ask for their tasks. */
async function checkModels(env: Env): Promise<Finding> {
  const registry = createRegistry(readStackConfig(env).models);
  const bundled = BUNDLED_TASK_NAMES.flatMap((name): string[] =>
    TASKS[name].model === null ? [] : [TASKS[name].model],
  );
  const checked = await Promise.all(
    registry.models.map(async ({ id }) => ({
      id,
      problem: await registry.resolve(id).then(() => null, messageOf),
    })),
  );
  const bad = checked.filter(({ problem }) => problem !== null);
  const good = checked.filter(({ problem }) => problem === null).map(({ id }) => id);
  if (bad.length === 0) return { state: "ok", found: `all ${good.length} are here, with the right hashes` };
  const isRequired = bad.some(({ id }) => bundled.includes(id));
  const told = isRequired ? bad.filter(({ id }) => bundled.includes(id)).map(({ problem }) => problem) : [];
  const found = [
    `here: ${good.join(", ") || "none"}; not usable: ${bad.map(({ id }) => id).join(", ")}.`,
    ...told,
  ].join(" ");
  return {
    state: isRequired ? "missing" : "degraded",
    found,
    advice: "See: earshot models list, earshot models verify",
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function checkHome(env: Env): Promise<Finding> {
  const { directory } = readStackConfig(env).home;
  const place = await nearestExisting(directory);
  const isWritable = await access(place, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) return { state: "ok", found: `${directory} can be written` };
  const advice = "Name a directory of yours with EARSHOT_HOME.";
  return { state: "missing", found: `${place} can't be written`, advice };
}

async function nearestExisting(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestExisting(dirname(path));
}

async function checkPort(env: Env): Promise<Finding> {
  const { port } = readStackConfig(env);
  if (await isFreePort(port)) return { state: "ok", found: `${port} is free` };
  const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
  const isEarshot = await fetch(`http://127.0.0.1:${port}/healthz`, { signal }).then(
    (response) => response.ok && response.headers.has("x-request-id"),
    () => false,
  );
  if (isEarshot) return { state: "ok", found: `Earshot serves on ${port}` };
  const advice = `Choose another one: EARSHOT_PORT=${port + 1}`;
  return { state: "missing", found: `${port} is taken by another program`, advice };
}

async function checkPostgres(_env: Env, signal: AbortSignal): Promise<Finding> {
  const { stdout } = await run(join(findBinaries(), "postgres"), ["--version"], { signal });
  return { state: "ok", found: stdout.trim() };
}
