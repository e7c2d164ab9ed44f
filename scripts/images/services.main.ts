import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, openAsBlob, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../../packages/shared/src/log.ts";
import { pause } from "../../packages/shared/src/pause.ts";
import { startPostgres } from "../../packages/cli/src/stack/postgres.ts";
import { createDatabase } from "../../packages/cli/src/stack/stack-database.ts";
import type { ComposeService, ComposeServices } from "./compose.ts";
import { contained } from "./contain.ts";
import type { ImageRoot, Sources } from "./contain.ts";
import { ROOT } from "./root.ts";

/** What test-images.main.ts hands on; this process has a network of its own. */
interface Plan {
  directory: string;
  compose: ComposeServices;
  roots: Record<"cpu" | "cuda", ImageRoot>;
}

const USER = 10_001;
const HEALTHY_WITHIN_MS = 180_000;
const JOB_WITHIN_SECONDS = 30;

const [file = ""] = process.argv.slice(2);
const { directory, compose, roots } = JSON.parse(readFileSync(file, "utf8")) as Plan;
execFileSync("ip", ["link", "set", "lo", "up"]);
const place = mkdtempSync(join(directory, "services-"));
const quiet = createLog("postgres", () => {});
const postgres = await startPostgres({ directory: join(place, "postgres"), log: quiet });
const started: { name: string; child: ChildProcess }[] = [];
try {
  await createDatabase(postgres);
  const sources = makeSources(postgres.ownerUrl.replace(/\/postgres$/, "/earshot"));

  start("queue", roots.cpu, sources);
  const [status] = await once(start("migrate", roots.cpu, sources), "exit");
  equal(status, 0, "migrate failed");
  for (const name of ["api", "worker", "deliver"]) start(name, roots.cpu, sources);
  for (const name of ["queue", "api", "worker", "deliver"]) await healthy(name, roots.cpu, sources);
  told("queue, migrate, api, worker and deliver are healthy, by the health checks of the file");

  deepStrictEqual(writable("worker", roots.cpu, sources), ["/models", "/tmp", "/var/lib/earshot"]);
  deepStrictEqual(writable("api", roots.cpu, sources), ["/tmp", "/var/lib/earshot"]);
  told("they can write to their volumes and tmpfs, and nowhere else");

  await doJob(readFileSync(join(sources.volumes["home"] ?? "", "api-key"), "utf8").trim());
  told("a job is done");

  backUp(roots.cpu, sources);
  told("a backup is made as docs/backup.md has it for this machine");

  await stop("worker");
  // The stand-in has no GPU.
  const onCpu = { ...compose["worker"]?.environment, EARSHOT_DEVICE: "cpu" };
  start("worker", roots.cuda, sources, onCpu);
  await healthy("worker", roots.cuda, sources);
  deepStrictEqual(writable("worker", roots.cuda, sources), ["/models", "/tmp", "/var/lib/earshot"]);
  told("the worker of the CUDA image is healthy, on the CPU");

  for (const name of ["worker", "deliver", "api", "queue"]) await stop(name);
  told("each ends with 0 at SIGTERM");
} finally {
  for (const { child } of started) child.kill("SIGKILL");
  await postgres.stop();
  rmSync(place, { recursive: true, force: true });
}

function told(what: string): void {
  console.log(`    ${what}`);
}

function serviceOf(name: string): ComposeService {
  const service = compose[name];
  ok(service?.read_only === true && service.user === `${USER}:${USER}`, `${name} is not as it should be`);
  return service;
}

/** What Docker makes of the volumes and secrets of the file. */
function makeSources(ownerUrl: string): Sources {
  const volume = (name: string) => {
    const path = join(place, name);
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, USER, USER);
    return path;
  };
  const secret = join(place, "owner-url");
  writeFileSync(secret, ownerUrl, { mode: 0o600 });
  chownSync(secret, USER, USER);
  return { volumes: { home: volume("home"), models: volume("models") }, secrets: { "owner-url": secret } };
}

function start(
  name: string,
  root: ImageRoot,
  sources: Sources,
  environment: Record<string, string> | undefined = compose[name]?.environment,
): ChildProcess {
  const service = { ...serviceOf(name), environment: environment ?? {} };
  const [program, args] = contained(root, service, sources, ["node", ...(service.command ?? [])]);
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const said: Buffer[] = [];
  child.stderr?.on("data", (part: Buffer) => said.push(part));
  child.on("exit", (code) => {
    if (code !== 0) console.error(`${name} ended with ${code}:\n${Buffer.concat(said).toString()}`);
  });
  started.push({ name, child });
  return child;
}

async function stop(name: string): Promise<void> {
  const child = started.findLast((each) => each.name === name)?.child;
  ok(child?.exitCode === null, `${name} does not run`);
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  equal(code, 0, `${name} ended with ${String(code)}`);
}

/** As `docker compose` asks, in the same container: by the file's own command. */
async function healthy(name: string, root: ImageRoot, sources: Sources): Promise<void> {
  const service = serviceOf(name);
  const [kind, ...command] = service.healthcheck?.test ?? [];
  equal(kind, "CMD", `${name} has no health check`);
  const [program, args] = contained(root, service, sources, command);
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while (performance.now() < deadline) {
    const [code] = await once(spawn(program, args, { stdio: "ignore" }), "exit");
    if (code === 0) return;
    ok(started.findLast((each) => each.name === name)?.child.exitCode === null, `${name} is gone`);
    await pause(1_000);
  }
  throw new Error(`${name} did not get healthy`);
}

/** Directories that the service's process may write into; those below one are left out. */
function writable(name: string, root: ImageRoot, sources: Sources): string[] {
  const skipped = ["-path", "/proc", "-o", "-path", "/dev", "-o", "-path", "/sys"];
  const command = [
    "find",
    "/",
    "(",
    ...skipped,
    ")",
    "-prune",
    "-o",
    "-type",
    "d",
    "-writable",
    "-print",
    "-prune",
  ];
  const [program, args] = contained(root, serviceOf(name), sources, command);
  // It ends with 1 for each directory that it may not even enter.
  const { stdout } = spawnSync(program, args, { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).toSorted();
}

/** By the service that has the owner's URL. */
function backUp(root: ImageRoot, sources: Sources): void {
  const service = serviceOf("migrate");
  const environment = { ...service.environment, EARSHOT_BLOBS: "file:///var/lib/earshot/blobs" };
  const command = [
    "node",
    "packages/cli/src/main.ts",
    "backup",
    "create",
    "--plain",
    "--out",
    "/tmp/backup",
    "--json",
  ];
  const [program, args] = contained(root, { ...service, environment }, sources, command);
  const made = JSON.parse(execFileSync(program, args, { encoding: "utf8" })) as {
    blobs: number;
    missingBlobs: number;
  };
  deepStrictEqual({ blobs: made.blobs, missing: made.missingBlobs }, { blobs: 1, missing: 0 });
}

async function doJob(apiKey: string): Promise<void> {
  const form = new FormData();
  form.set("job", JSON.stringify({ tasks: ["audio.features"] }));
  form.set(
    "file",
    await openAsBlob(join(ROOT, "samples/hello-earshot.flac"), { type: "audio/flac" }),
    "a.flac",
  );
  const headers = { authorization: `Bearer ${apiKey}` };
  const jobs = "http://127.0.0.1:8787/v1/jobs";
  const { id } = (await (await fetch(jobs, { method: "POST", headers, body: form })).json()) as {
    id: string;
  };
  const answer = await fetch(`${jobs}/${id}?wait=${JOB_WITHIN_SECONDS}`, { headers });
  const job = (await answer.json()) as { status?: string };
  equal(job.status, "succeeded", JSON.stringify(job));
}
