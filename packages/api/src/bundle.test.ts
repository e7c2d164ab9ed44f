import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

const API = fileURLToPath(new URL("..", import.meta.url));
const BUDGET_BYTES = 150 * 1024;

/** What only making documents or talking of other databases needs: an alias of wrangler.jsonc leaves each out. */
const LEFT_OUT = [
  "zod/v4/core/to-json-schema.js",
  "zod/v4/core/json-schema-processors.js",
  "zod/v4/core/compile.js",
  "zod/v4/locales/de.js",
  "@asteasolutions/zod-to-openapi",
  // A compiled matcher of all routes costs a request ten times as much as to look through them once.
  "hono/dist/router/reg-exp-router",
  "drizzle-orm/pg-core/columns/macaddr.js",
  "postgres/cf/src/subscribe.js",
  "shared/src/domain/models.json",
];

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-test-bundle-"));
  const resolved = createRequire(join(API, "package.json")).resolve("wrangler/package.json");
  const wrangler = join(dirname(resolved), "bin/wrangler.js");
  const metafile = join(directory, "meta.json");
  const args = ["deploy", "--dry-run", "--outdir", directory, "--metafile", metafile];
  await promisify(execFile)(process.execPath, [wrangler, ...args], {
    cwd: API,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      CI: "1",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: directory,
    },
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("the Worker is 150 KiB gzipped at most", async () => {
  const bundle = await readFile(join(directory, "entry.workers.js"));
  expect(gzipSync(bundle).byteLength).toBeLessThanOrEqual(BUDGET_BYTES);
});

test("it holds nothing that no request needs", async () => {
  const { outputs } = JSON.parse(await readFile(join(directory, "meta.json"), "utf8")) as {
    outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
  };
  const held = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  expect(held.length).toBeGreaterThan(100);
  expect(LEFT_OUT.filter((part) => held.some((path) => path.includes(part)))).toEqual([]);
});

test("its start loads no more of Node than its modules ask for by name", async () => {
  const bundle = await readFile(join(directory, "entry.workers.js"), "utf8");
  const loaded = [...bundle.matchAll(/\bfrom\s*"([a-z]+:[^"]+)"/g)].map(([, name]) => name);
  expect([...new Set(loaded)].toSorted()).toEqual(["cloudflare:workers", "node:buffer", "node:events"]);
});

test("its start builds no schema, no table and no object of Intl: a request builds what it needs", async () => {
  const counter = fileURLToPath(new URL("../test/edge/work-at-start.main.ts", import.meta.url));
  const bundle = join(directory, "entry.workers.js");
  const { stdout } = await promisify(execFile)(process.execPath, [counter, bundle]);
  expect(JSON.parse(stdout)).toEqual({ schemas: 0, tables: 0, intl: 0 });
});

test("no answer's schema is in it: `responses` and what they are made of go through doc()", async () => {
  const bundle = await readFile(join(directory, "entry.workers.js"), "utf8");
  expect(bundle.match(/responses:(?!void 0)/g)).toBeNull();
  expect(bundle).not.toContain("application/problem+json:");
});
