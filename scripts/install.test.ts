import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const INSTALL = fileURLToPath(new URL("../packages/cli/bin/install.mjs", import.meta.url));
const IS_ROOT_ON_LINUX = process.platform === "linux" && process.getuid?.() === 0;

let clone: string;
let bin: string;

/** A clone whose PATH holds nothing but programs that the test wrote. */
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), "earshot-clone-"));
  bin = join(clone, "fake-bin");
  await mkdir(bin);
  await cp(INSTALL, join(clone, "packages/cli/bin/install.mjs"));
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", "packages/cli/package.json"]) {
    await writeFile(join(clone, file), "{}");
  }
  await fake("ffmpeg", "");
  await fake("npx", PNPM);
});

afterEach(() => rm(clone, { recursive: true }));

/** What pnpm leaves: its own file last. */
const PNPM = `
  fs.mkdirSync("node_modules/.bin", { recursive: true });
  fs.writeFileSync("node_modules/.bin/node", "");
  fs.writeFileSync("node_modules/.modules.yaml", "");`;

/** Each run of it adds a line with its arguments to calls.log. */
async function fake(program: string, script: string): Promise<void> {
  const record = `fs.appendFileSync("calls.log", ${JSON.stringify(`${program} `)} + process.argv.slice(2).join(" ") + "\\n");`;
  await writeFile(
    join(bin, program),
    `#!${process.execPath}\nconst fs = require("node:fs");\n${record}\n${script}\n`,
  );
  await chmod(join(bin, program), 0o755);
}

async function calls(): Promise<string[]> {
  const log = await readFile(join(clone, "calls.log"), "utf8").catch(() => "");
  return log.split("\n").filter((line) => line !== "");
}

function start(environment: Record<string, string> = {}) {
  const path = [join(clone, "node_modules/.bin"), bin].join(":");
  return spawn(process.execPath, [join(clone, "packages/cli/bin/install.mjs")], {
    env: { PATH: path, ...environment },
  });
}

async function install(environment?: Record<string, string>) {
  const child = start(environment);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { stdout, stderr, status: status as number };
}

test("a fresh clone is installed from the lockfile, and stdout stays clean", async () => {
  await fake("npx", `console.log("progress", process.env.ONNXRUNTIME_NODE_INSTALL);${PNPM}`);
  const { stdout, stderr, status } = await install();
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  expect(stderr).toMatch(/installing dependencies/);
  expect(stderr).toMatch(/progress skip/);
  expect(await calls()).toEqual([
    expect.stringMatching(
      /^npx --prefer-offline -y pnpm@12\.21\.0 install --frozen-lockfile --prefer-offline/,
    ),
  ]);
});

test("a whole installation is left alone, silently", async () => {
  await install();
  expect(await install()).toEqual({ stdout: "", stderr: "", status: 0 });
  expect(await calls()).toHaveLength(1);
});

test.for(["pnpm-lock.yaml", "packages/cli/package.json"])("a change of %s installs again", async (file) => {
  await install();
  await writeFile(join(clone, file), '{"changed": true}');
  await install();
  expect(await calls()).toHaveLength(2);
});

test("an install that failed, or was killed before its end, is no installation", async () => {
  await fake("npx", `${PNPM}process.exit(7);`);
  const { status, stderr } = await install();
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/not installed \(7\)/) });
  await fake("npx", PNPM);
  expect((await install()).status).toBe(0);
  expect(await calls()).toHaveLength(2);
});

test("without npx it says so", async () => {
  await rm(join(bin, "npx"));
  expect(await install()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/not installed \(spawn npx ENOENT\)/),
  });
});

test("two at once install once", async () => {
  await fake("npx", `${PNPM}Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);`);
  const [one, other] = await Promise.all([install(), install()]);
  expect([one.status, other.status]).toEqual([0, 0]);
  expect(await calls()).toHaveLength(1);
  expect(one.stderr + other.stderr).toMatch(/waiting for another install/);
  expect((await readdir(join(clone, "node_modules"))).filter((name) => name.includes("lock"))).toEqual([]);
});

test("the lock of a dead process is taken over", async () => {
  const lock = join(clone, "node_modules/.earshot-install.lock");
  await mkdir(lock, { recursive: true });
  const dead = spawn("true");
  await once(dead, "close");
  await writeFile(join(lock, "pid"), String(dead.pid));
  expect((await install()).status).toBe(0);
}, 10_000); // At once: a lock that is only stale takes longer.

test("so is a lock that nobody keeps fresh, whoever has its pid today", async () => {
  const lock = join(clone, "node_modules/.earshot-install.lock");
  await mkdir(lock, { recursive: true });
  await writeFile(join(lock, "pid"), String(process.pid));
  await utimes(lock, 0, 0);
  expect((await install()).status).toBe(0);
});

test("SIGTERM ends the installer and what it started", async () => {
  await fake("npx", `fs.writeFileSync("npx.pid", String(process.pid)); setInterval(() => {}, 1_000);`);
  const child = start();
  const pid = Number(await vi.waitFor(() => readFile(join(clone, "npx.pid"), "utf8"), 5_000));
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([1, null]);
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test("without ffmpeg it says once how to get it, and goes on", async () => {
  await rm(join(bin, "ffmpeg"));
  await fake("apt-get", "");
  const first = await install({ EARSHOT_NO_INSTALL: "1" });
  expect(first).toMatchObject({ status: 0, stderr: expect.stringMatching(/ffmpeg is missing/) });
  expect((await install({ EARSHOT_NO_INSTALL: "1" })).stderr).toBe("");
  expect((await calls()).filter((line) => line.startsWith("apt-get"))).toEqual([]);
});

test.runIf(IS_ROOT_ON_LINUX)("root gets ffmpeg by apt, after the line that says so", async () => {
  await rm(join(bin, "ffmpeg"));
  await fake("apt-get", `console.log("apt speaks");`);
  const { stdout, stderr, status } = await install();
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  expect(stderr).toMatch(/installing ffmpeg: apt-get install[^]*apt speaks/);
  expect(stderr).not.toMatch(/ffmpeg is missing/);
  expect((await calls()).slice(1)).toEqual([
    expect.stringMatching(/update$/),
    expect.stringMatching(/install -y --no-install-recommends ffmpeg$/),
  ]);
});

test.runIf(IS_ROOT_ON_LINUX)("an apt that fails is no failure of the install", async () => {
  await rm(join(bin, "ffmpeg"));
  await fake("apt-get", "process.exit(100);");
  expect(await install()).toMatchObject({ status: 0, stderr: expect.stringMatching(/ffmpeg is missing/) });
});
