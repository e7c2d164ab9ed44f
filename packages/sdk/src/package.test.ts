import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packSdk } from "../../../scripts/pack-sdk.ts";

const ROOT = join(import.meta.dirname, "../../..");
const run = promisify(execFile);

let directory: string;
let packed: string;
/** A project of somebody else's that has installed it. */
let project: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-sdk-"));
  packed = join(directory, "packed");
  project = join(directory, "project");
  await packSdk(packed);
  await mkdir(join(project, "node_modules/@earshot"), { recursive: true });
  await symlink(packed, join(project, "node_modules/@earshot/sdk"));
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("what is published is built code, its types, the README and the licence, and needs no other package", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: packed });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"]),
  );
  expect(
    paths.filter((path) => !/^(LICENSE|README\.md|package\.json|dist\/[a-z-]+\.(js|d\.ts))$/.test(path)),
  ).toEqual([]);
  const manifest = JSON.parse(await readFile(join(packed, "package.json"), "utf8")) as Record<
    string,
    unknown
  >;
  expect(Object.keys(manifest).filter((key) => /dependencies|scripts/i.test(key))).toEqual([]);
});

test("plain Node runs it", async () => {
  const code = `
    import { Earshot, unwrap } from "@earshot/sdk";
    const earshot = new Earshot({ baseUrl: "https://api.test", apiKey: "ek", fetch: async () => new Response('{"id":"job_1"}') });
    console.log((await earshot.jobs.get("job_1")).id, typeof unwrap);
  `;
  const { stdout } = await run(
    process.execPath,
    ["--no-strip-types", "--input-type=module", "--eval", code],
    { cwd: project },
  );
  expect(stdout.trim()).toBe("job_1 function");
});

test("its types hold for whoever is strict, with the DOM alone and no types of Node", async () => {
  await writeFile(
    join(project, "use.ts"),
    `import { Earshot, ApiError, type Job } from "@earshot/sdk";
    const earshot = new Earshot({ baseUrl: "https://api.test", apiKey: "ek" });
    const job: Job = await earshot.jobs.createAndWait({ input: { url: "https://a.test" }, tasks: ["audio.features"] });
    const seconds: number | null = job.usage.audio_seconds;
    // @ts-expect-error There is no such task.
    await earshot.jobs.create({ input: { url: "https://a.test" }, tasks: ["no.task"] });
    // @ts-expect-error One of the two is needed.
    new Earshot({ baseUrl: "https://api.test" });
    export const told = (error: unknown) => (error instanceof ApiError ? [error.code, seconds] : []);`,
  );
  const options = [
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--lib",
    "es2023,dom",
    "--types",
    "",
  ];
  for (const resolution of [
    ["--module", "nodenext"],
    ["--module", "esnext", "--moduleResolution", "bundler"],
  ]) {
    const checked = run(
      join(ROOT, "node_modules/.bin/tsc"),
      ["--ignoreConfig", ...options, ...resolution, "use.ts"],
      { cwd: project },
    );
    await expect(
      checked.then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout,
      ),
    ).resolves.toBe("");
  }
});

test("it bundles for browsers, with nothing of Node in it", async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: 'export * from "@earshot/sdk";', resolveDir: project },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  const imports = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external),
  );
  expect(imports).toEqual([]);
  expect(new TextDecoder().decode(bytes)).not.toMatch(/node:|\bprocess\b|\bBuffer\b|require\(/);
  console.log(`browser bundle: ${bytes.length} bytes minified, ${gzipSync(bytes).length} gzipped`);
  expect(bytes.length).toBeLessThan(20_000);
});
