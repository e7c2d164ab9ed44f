import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SDK = join(ROOT, "packages/sdk");

/** What a client of the package sees of packages/sdk/package.json: built code and its types, no sources, no tools. */
interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  type: string;
}

/**
 * Lays `@earshot/sdk` out in `directory` as it is published: `npm publish` there. In this workspace nothing is built, its
 * sources are used as they are.
 */
export async function packSdk(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await build(join(directory, "dist"));
  const { name, version, description, license, type } = JSON.parse(
    await readFile(join(SDK, "package.json"), "utf8"),
  ) as Manifest;
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
    types: "./dist/index.d.ts",
    files: ["dist"],
    sideEffects: false,
    engines: { node: ">=22" },
  };
  await writeFile(join(directory, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(join(SDK, "README.md"), join(directory, "README.md"));
  await copyFile(join(ROOT, "LICENSE"), join(directory, "LICENSE"));
}

async function build(outDir: string): Promise<void> {
  const config = join(outDir, "..", "tsconfig.json");
  const compilerOptions = {
    target: "es2022",
    lib: ["es2024", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: join(SDK, "src"),
    outDir,
  };
  await writeFile(
    config,
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions,
      include: [],
      files: [join(SDK, "src/index.ts")],
    }),
  );
  await promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["--project", config], { cwd: ROOT });
  await rm(config);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = process.argv[2] ?? join(SDK, "pack");
  await packSdk(directory);
  console.log(`laid out in ${directory}: npm publish ${directory}`);
}
