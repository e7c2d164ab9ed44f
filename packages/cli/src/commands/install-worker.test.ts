import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "./testing/run-cli.ts";

let root: string;
beforeAll(async () => (root = await mkdtemp(join(tmpdir(), "earshot-test-install-"))));
afterAll(() => rm(root, { recursive: true, force: true }));

const install = (...args: string[]) => runCli(["worker", "install", "--root", root, ...args]);
const CHECKOUT = join(import.meta.dirname, "../../../..");

test("a dry run shows the files and writes none", async () => {
  const { stdout } = await install("--systemd", "--dry-run");
  expect(stdout).toContain("NoNewPrivileges=true");
  expect(stdout).toContain("EARSHOT_BOX_KEY_FILE=/etc/earshot/box-key");
  expect(await readdir(root)).toEqual([]);
});

test("a unit runs this checkout by the box's key, and what somebody has changed stays", async () => {
  const { stderr } = await install("--systemd", "--key", "/etc/earshot/key-2");
  // The directory, too: enrolling made it for root alone.
  expect(stderr).toContain("chown -R earshot: /etc/earshot\n");
  const unit = join(root, "etc/systemd/system/earshot-worker.service");
  expect(await readFile(unit, "utf8")).toContain(`ExecStart=${CHECKOUT}/node_modules/.bin/node`);
  const env = join(root, "etc/earshot/worker.env");
  expect(await readFile(env, "utf8")).toContain("EARSHOT_BOX_KEY_FILE=/etc/earshot/key-2\n");
  expect((await stat(env)).mode & 0o777).toBe(0o600);
  // Which is where the unit has the worker read its settings, at a reload, too.
  expect(await readFile(unit, "utf8")).toContain("\nEnvironment=EARSHOT_ENV_FILE=/etc/earshot/worker.env\n");
  await writeFile(env, "EARSHOT_LANES=2\n");
  expect((await install("--systemd")).stdout).toContain(`kept  ${env}`);
  expect(await readFile(env, "utf8")).toBe("EARSHOT_LANES=2\n");
});

test("a compose file names the box's key", async () => {
  const { stderr } = await install("--compose", "--key", "/etc/earshot/key-2");
  expect(stderr).toContain("chown 10001:10001 /etc/earshot/key-2\n");
  const text = await readFile(join(root, "etc/earshot/compose.yaml"), "utf8");
  expect(text).toContain("file: /etc/earshot/key-2");
});

test("neither or both is wrong usage", async () => {
  expect((await install()).status).toBe(2);
  expect((await install("--systemd", "--compose")).status).toBe(2);
});
