import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../packages/api/src/config.ts";
import { readEdgeConfig } from "../packages/api/src/edge/edge-config.ts";
import { readStackConfig } from "../packages/cli/src/stack/stack-config.ts";
import { BLOBS_SHAPE } from "../packages/shared/src/config/blobs.ts";
import { withEnvFile } from "../packages/shared/src/config/env-file.ts";
import type { Env } from "../packages/shared/src/config/env.ts";
import { readWorkerConfig } from "../packages/worker/src/config.ts";
import { readDelivererConfig } from "../packages/worker/src/deliver-config.ts";
import { ENGINE_SHAPE, engineOptionsOf } from "../packages/worker/src/engine-config.ts";
import { ROOT } from "./claims/read-claims.ts";

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The names that a reader asks an environment for, in which nothing is set but what it is given. */
function namesAskedBy(readEnv: (env: Env) => unknown, given: Record<string, string> = {}): Set<string> {
  const asked = new Set<string>();
  const env = new Proxy(given, {
    get(target, name) {
      if (typeof name === "string") asked.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  try {
    readEnv(env);
  } catch {
    // Whatever is missing: by then all of it was asked for.
  }
  return asked;
}

const SHAPES: Record<string, object> = { BLOBS_SHAPE, ENGINE_SHAPE };

/** Names in the calls of `parseEnv` of the commands, and those that they read by themselves. A quoted one is a secret. */
function namesInCommands(): Set<string> {
  const sources = globSync("packages/cli/src/commands/*.ts", { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const names = sources
    .map(read)
    .flatMap((source) => [
      ...[...source.matchAll(/(?:parseEnv\(|const shape = )[^;]+;/g)].flatMap(([call]) => [
        ...[...call.matchAll(/\b([A-Z][A-Z_]{2,}):/g)].map(([, name = ""]) => name),
        ...[...call.matchAll(/"([A-Z][A-Z_]{2,})"/g)].flatMap(([, name = ""]) => [name, `${name}_FILE`]),
        ...[...call.matchAll(/\.\.\.([A-Z]+_SHAPE)/g)].flatMap(([, shape = ""]) =>
          Object.keys(SHAPES[shape] ?? {}),
        ),
      ]),
      ...[...source.matchAll(/env\["EARSHOT_(\w+)"\]/g)].map(([, name = ""]) => name),
    ]);
  return new Set(["ENV", ...names].map((name) => `EARSHOT_${name}`));
}

function matches(files: string, pattern: RegExp): Set<string> {
  const text = globSync(files, { cwd: ROOT }).map(read).join("\n");
  return new Set([...text.matchAll(pattern)].map(([, name = ""]) => name));
}

const AT_INSTALL = matches("packages/cli/bin/install.mjs", /process\.env\.(EARSHOT_\w+)/g);
const READERS: Record<string, Set<string>> = {
  api: namesAskedBy(readConfig),
  edge: namesAskedBy(readEdgeConfig),
  worker: new Set([
    ...namesAskedBy((env) => readWorkerConfig(withEnvFile(env))),
    ...namesAskedBy((env) => engineOptionsOf({ HOME: ".", DEVICE: "cuda:0", LANE_THREADS: 1 }, env)),
  ]),
  deliver: namesAskedBy(readDelivererConfig),
  up: new Set([...namesAskedBy(readStackConfig), ...AT_INSTALL]),
  earshot: new Set([...namesInCommands(), ...AT_INSTALL]),
  deploy: matches("infra/settings.ts", /(?:required|optional)\("(\w+)"\)/g),
  compose: matches("infra/compose/*.yaml", /\$\{(\w+)/g),
  "backup unit": matches("infra/systemd/earshot-backup.service", /\$\{(\w+)/g),
};

/** It looks like the file of a secret, and is a setting of its own. */
const NO_SECRET_FILE = "EARSHOT_ENV_FILE";

/** The file of a secret is no setting of its own. */
function isSecretFile(name: string, asked: ReadonlySet<string>): boolean {
  return name !== NO_SECRET_FILE && name.endsWith("_FILE") && asked.has(name.slice(0, -5));
}

function settingsOf(asked: ReadonlySet<string>): string[] {
  return [...asked].filter((name) => /^EARSHOT_|_IMAGE$|_MEMORY$/.test(name) && !isSecretFile(name, asked));
}

interface Row {
  name: string;
  isSecret: boolean;
  readers: string[];
  fallback: string;
}

const PAGE = read("docs/settings.md");
const ROWS: Row[] = [...PAGE.matchAll(/^\| `(\w+)`( \(secret\))? \| ([^|]+) \| ([^|]*)\| \S.* \|$/gm)].map(
  ([, name = "", secret, readers = "", fallback = ""]) => ({
    name,
    isSecret: secret !== undefined,
    readers: readers.split(", "),
    fallback: fallback.trim(),
  }),
);

test("no setting has two rows, and each row names readers that there are", () => {
  expect(ROWS.length).toBeGreaterThan(70);
  const names = ROWS.map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(ROWS.flatMap(({ readers }) => readers).filter((reader) => !(reader in READERS))).toEqual([]);
});

/** Told below the table: the name is that of another row. */
const TOLD_BELOW: Record<string, string[]> = {
  deploy: ["EARSHOT_CORS_ORIGINS"],
  compose: ["EARSHOT_DEVICE", "EARSHOT_BOX_KEY"],
};

test.for(Object.entries(READERS))(
  "what %s reads is on the page, and what the page says it reads it does",
  ([reader, asked]) => {
    const told = ROWS.filter(({ readers }) => readers.includes(reader)).map(({ name }) => name);
    expect([...told, ...(TOLD_BELOW[reader] ?? [])].toSorted()).toEqual(settingsOf(asked).toSorted());
  },
);

test("what may come from a file is marked as a secret, and nothing else is", () => {
  const isSecret = (name: string) =>
    // At the edge there are no files, but one and the same reader of them.
    Object.values(READERS).some((asked) => asked.has(`${name}_FILE`) && isSecretFile(`${name}_FILE`, asked));
  expect(ROWS.filter((row) => row.isSecret !== isSecret(row.name))).toEqual([]);
});

test("what is handed on of the machine's own is named", () => {
  const others = Object.values(READERS).flatMap((asked) =>
    [...asked].filter((name) => !settingsOf(asked).includes(name)),
  );
  const unnamed = others.filter((name) => !name.startsWith("EARSHOT_") && !PAGE.includes(`\`${name}\``));
  expect(unnamed).toEqual([]);
  expect(others).toContain("LD_LIBRARY_PATH");
});

const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString("base64");
const LEAST = {
  EARSHOT_DATABASE_URL: "postgres://earshot@127.0.0.1/earshot",
  EARSHOT_QUEUE_URL: "http://127.0.0.1/queue",
  EARSHOT_BLOBS: "file:///blobs",
  EARSHOT_SEAL_KEYS: `k1:${KEY}`,
  EARSHOT_URL_KEY: KEY,
};

test("the defaults on the page are those of the code", () => {
  const api = readConfig(LEAST);
  const defaults: Record<string, unknown> = {
    ...readWorkerConfig(LEAST),
    ...readDelivererConfig(LEAST),
    HOST: api.host,
    PORT: api.port,
    RATE_STORE: api.rateStore,
    PASSWORDS: api.passwords,
    TOKEN_ALGORITHM: api.tokens.algorithm,
    RATE_LIMITS: Object.entries(api.rateLimits)
      .map(([name, { limit, windowSeconds }]) => `${name}=${limit}/${windowSeconds}`)
      .join(","),
  };
  const given = new Set(Object.keys(LEAST));
  const told = Object.entries(defaults)
    .filter(
      ([name, value]) =>
        !given.has(`EARSHOT_${name}`) && ["string", "number", "boolean"].includes(typeof value),
    )
    .map(
      ([name, value]) =>
        [`EARSHOT_${name}`, `\`${typeof value === "boolean" ? Number(value) : value}\``] as const,
    );
  expect(told.length).toBeGreaterThan(12);
  const wrong = told.filter(
    ([name, value]) => !ROWS.find((row) => row.name === name)?.fallback.startsWith(value),
  );
  expect(wrong).toEqual([]);
});
