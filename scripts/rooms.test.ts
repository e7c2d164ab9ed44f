import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Trespass {
  file: string;
  source: string;
  /** Part of what the linter says. */
  told: string;
}

const TRESPASSES: Trespass[] = [
  { file: "packages/shared/src/domain/orm.ts", source: 'import "drizzle-orm";', told: "domain/ is pure" },
  {
    file: "packages/shared/src/domain/sibling.ts",
    source: 'import "../db/jobs.ts";',
    told: "domain/ is pure",
  },
  { file: "packages/shared/src/domain/node.ts", source: 'import "node:crypto";', told: "domain/ is pure" },
  {
    file: "packages/shared/src/queue/database.ts",
    source: 'import "../db/jobs.ts";',
    told: "queue/ enters domain/",
  },
  {
    file: "packages/shared/src/crypto/node.ts",
    source: 'import "node:crypto";',
    told: "crypto/ is Web Crypto",
  },
  { file: "packages/api/src/orm.ts", source: 'import "drizzle-orm/pg-core";', told: "SQL is written in" },
  {
    file: "packages/api/src/driver.ts",
    source: 'import postgres from "postgres"; postgres();',
    told: "The driver is opened",
  },
  {
    file: "packages/api/src/worker.ts",
    source: 'import "@earshot/worker/analyze";',
    told: "Only cli and testkit",
  },
  {
    file: "packages/api/src/path.ts",
    source: 'import "../../worker/src/analyze.ts";',
    told: "Only cli and testkit",
  },
  { file: "packages/api/src/kit.ts", source: 'import "@earshot/testkit/until";', told: "Only tests may use" },
  {
    file: "packages/api/src/worker.test.ts",
    source: 'import "@earshot/worker/analyze";',
    told: "Only cli and testkit",
  },
  { file: "packages/worker/src/api.ts", source: 'import "@earshot/api/app";', told: "Only cli and testkit" },
  { file: "packages/worker/src/cli.ts", source: 'import "@earshot/cli/main";', told: "Nothing but testkit" },
  { file: "packages/worker/src/onnx.ts", source: 'import "onnxruntime-node";', told: "Sessions live in" },
  {
    file: "packages/worker/src/inference/orm.ts",
    source: 'import "drizzle-orm";',
    told: "SQL is written in",
  },
  {
    file: "packages/worker/src/signal/input.ts",
    source: 'import "../input/audio.ts";',
    told: "signal/ is pure",
  },
  { file: "packages/sdk/src/node.ts", source: 'import "node:crypto";', told: "The SDK depends on nothing" },
  {
    file: "packages/sdk/src/shared.ts",
    source: 'import "@earshot/shared/crypto/bytes";',
    told: "The SDK depends on nothing",
  },
  { file: "packages/worker/src/signal/package.ts", source: 'import "zod";', told: "signal/ is pure" },
  {
    file: "packages/worker/src/tasks/db.ts",
    source: 'import "@earshot/shared/db/jobs";',
    told: "no database",
  },
  {
    file: "packages/worker/src/tasks/queue.ts",
    source: 'import "@earshot/shared/queue/message";',
    told: "no database",
  },
  { file: "packages/worker/src/tasks/config.ts", source: 'import "../config.ts";', told: "no database" },
  {
    file: "packages/worker/src/tasks/onnx.ts",
    source: 'import "onnxruntime-node";',
    told: "Sessions live in",
  },
  {
    file: "packages/worker/src/tasks/decode.ts",
    source: 'import "../input/decode.ts";',
    told: "knows types alone",
  },
  {
    file: "packages/worker/src/tasks/audio.ts",
    source: 'import { read } from "../input/audio.ts"; read();',
    told: "knows types alone",
  },
  { file: "packages/worker/src/consume.ts", source: "console.log(process.env);", told: "process.env" },
  { file: "packages/worker/src/any.ts", source: "export const x = (y: any) => y;", told: "any" },
  { file: "packages/worker/src/bang.ts", source: "export const x = (y?: number) => y!;", told: "non-null" },
  { file: "packages/worker/src/default.ts", source: "export default 1;", told: "default export" },
  {
    file: "packages/worker/src/focused.test.ts",
    source: 'import { test } from "vitest"; test.only("a", () => {});',
    told: "Unexpected focused test",
  },
  {
    file: "packages/worker/src/skipped.test.ts",
    source: 'import { test } from "vitest"; test.skip("a", () => {});',
    told: "Disabled test",
  },
];

const LEGAL: Omit<Trespass, "told">[] = [
  { file: "packages/shared/src/domain/legal.ts", source: 'import "zod"; import "./errors.ts";' },
  {
    file: "packages/shared/src/domain/legal.test.ts",
    source: 'import "vitest"; import "@earshot/testkit/until";',
  },
  {
    file: "packages/shared/src/db/legal.ts",
    source: 'import "drizzle-orm"; import "postgres"; import "../domain/errors.ts";',
  },
  { file: "packages/worker/src/signal/legal.ts", source: 'import "./frames.ts";' },
  {
    file: "packages/worker/src/tasks/legal.ts",
    source: 'import type { A } from "../input/audio.ts"; export const a = (b: A) => b;',
  },
  { file: "packages/worker/src/inference/legal.ts", source: 'import "onnxruntime-node";' },
  {
    file: "packages/worker/src/legal.main.ts",
    source: 'import "@earshot/shared/db/jobs"; console.log(process.env);',
  },
  {
    file: "packages/worker/src/legal.test.ts",
    source: 'import "@earshot/testkit/database"; import "postgres";',
  },
  {
    file: "packages/cli/src/legal.ts",
    source: 'import "@earshot/api/app"; import "@earshot/worker/run-tasks";',
  },
];

let tree: string;
let findings: Map<string, string[]>;

/** The linter sees a tree of the same shape as ours, with our own configuration. */
beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), "earshot-rooms-"));
  await copyFile(join(root, "oxlint.config.ts"), join(tree, "oxlint.config.ts"));
  await symlink(join(root, "node_modules"), join(tree, "node_modules"));
  for (const { file, source } of [...TRESPASSES, ...LEGAL]) {
    await mkdir(dirname(join(tree, file)), { recursive: true });
    await writeFile(join(tree, file), `${source}\n`);
  }
  findings = await lint();
});

afterAll(() => rm(tree, { recursive: true }));

async function lint(): Promise<Map<string, string[]>> {
  const program = join(root, "node_modules/oxlint/bin/oxlint");
  const report = await new Promise<string>((resolve) => {
    // It ends with 1, as it should: it found something.
    execFile(
      process.execPath,
      [program, "--format=json", "packages"],
      { cwd: tree, timeout: 30_000 },
      (_, stdout) => resolve(stdout),
    );
  });
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { filename: string; message: string; help?: string }[];
  };
  const grouped = Map.groupBy(diagnostics, ({ filename }) => filename);
  return new Map(
    [...grouped].map(([file, found]) => [file, found.map(({ message, help }) => `${message} ${help ?? ""}`)]),
  );
}

test.for(TRESPASSES)("the linter refuses $file: $source", ({ file, told }) => {
  expect(findings.get(file)).toEqual([expect.stringContaining(told)]);
});

test.for(LEGAL)("the linter lets $file: $source", ({ file }) => {
  expect(findings.get(file)).toBeUndefined();
});
