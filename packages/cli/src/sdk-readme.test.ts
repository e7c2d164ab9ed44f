import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { newWebhookSecret, signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readKey, spawnUp } from "./commands/testing/up.ts";
import type { Up } from "./commands/testing/up.ts";
import { findFreePort } from "./stack/postgres-port.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SDK = join(ROOT, "packages/sdk");
const run = promisify(execFile);

const README = await readFile(join(SDK, "README.md"), "utf8");
const EXAMPLES = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);

let home: string;
let examples: string;
let up: Up;
let env: Record<string, string>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "earshot-sdk-readme-"));
  // Root's Postgres runs as somebody else, who has to pass.
  await chmod(home, 0o711);
  // Inside of the package, where its own name is known.
  examples = await mkdtemp(join(SDK, ".readme-"));
  for (const [index, code] of EXAMPLES.entries()) await writeFile(fileOf(index), code);
  const port = String(await findFreePort());
  up = spawnUp({ EARSHOT_HOME: join(home, "home"), EARSHOT_PORT: port, EARSHOT_LANES: "1" });
  await up.serving();
  env = {
    EARSHOT_URL: `http://127.0.0.1:${port}`,
    EARSHOT_API_KEY: await readKey(join(home, "home")),
  };
}, 120_000);

afterAll(async () => {
  await up.end("SIGTERM");
  await Promise.all([home, examples].map((directory) => rm(directory, { recursive: true, force: true })));
});

const fileOf = (index: number) => join(examples, `example-${index + 1}.ts`);

/** What the example prints. It ends well, or this fails. */
async function outputOf(index: number): Promise<string> {
  const { stdout } = await run(process.execPath, [fileOf(index)], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    timeout: 50_000,
  });
  return stdout;
}

describe("the README of the SDK, against the real stack:", () => {
  test("its examples are of the right types", async () => {
    const config = join(examples, "tsconfig.json");
    await writeFile(config, JSON.stringify({ extends: join(ROOT, "tsconfig.json"), include: ["*.ts"] }));
    const checked = run(join(ROOT, "node_modules/.bin/tsc"), ["--project", config], { cwd: ROOT });
    await expect(
      checked.then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout,
      ),
    ).resolves.toBe("");
  });

  test("a file is uploaded, analysed, and its result printed", async () => {
    const output = await outputOf(0);
    expect(output).toContain("succeeded {");
    expect(output).toContain("'speech.segments'");
  });

  test("jobs are listed with their events", async () => {
    const output = await outputOf(1);
    expect(output).toMatch(/^job_\w+ [\d.]+$/m);
    expect(output).toMatch(/^end succeeded$/m);
  });

  test("a refusal is told", async () => {
    expect(await outputOf(2)).toMatch(/^400 validation_failed \S+ \[/);
  });

  test("an upload that may be taken up again", async () => {
    expect(await outputOf(3)).toMatch(/^upl_\w+\n$/);
  });

  test("a webhook is opened, and a forged one refused", async () => {
    const secret = newWebhookSecret();
    const body = '{"type":"job.succeeded","timestamp":"2026-11-25T12:00:00Z","data":{"id":"job_1"}}';
    const headers = await signWebhook(
      { id: "evt_1", timestampSeconds: Math.floor(Date.now() / 1000), body },
      [secret],
    );
    const code = `
      const { default: receiver } = await import(${JSON.stringify(pathToFileURL(fileOf(4)).href)});
      const send = (body) => receiver.fetch(new Request("https://a.test", { method: "POST", body, headers: ${JSON.stringify(headers)} }));
      console.log((await send(${JSON.stringify(body)})).status, (await send("{}")).status);`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], {
      env: { EARSHOT_WEBHOOK_SECRET: secret },
    });
    expect(stdout).toBe("evt_1 job.succeeded { id: 'job_1' }\n204 400\n");
  });

  test("no example is left out", () => {
    expect(EXAMPLES).toHaveLength(5);
  });
});
