import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./root.ts";

/** As the OCI's image specification has them. */
export interface ImageSettings {
  User?: string;
  Env: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  StopSignal?: string;
  WorkingDir?: string;
  Labels?: Record<string, string>;
}

/** buildah with a store of its own below a directory. */
export interface Buildah {
  directory: string;
  run(...args: string[]): string;
  has(image: string): boolean;
  /** Each instruction is a layer, as Docker makes them. */
  build(name: string, args: readonly string[]): void;
  settings(image: string): ImageSettings;
  layerCount(image: string): number;
  /** @returns where a new container of the image lies. */
  mount(image: string): string;
  unmountAll(): void;
}

export function openBuildah(directory: string): Buildah {
  const store = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  const env = { ...process.env, STORAGE_DRIVER: process.env["STORAGE_DRIVER"] ?? "overlay" };
  const options = { cwd: ROOT, encoding: "utf8", env, maxBuffer: 64 * 1024 ** 2 } as const;
  // What it says on its way is of interest when it fails.
  const run = (...args: string[]) =>
    execFileSync("buildah", [...store, ...args], { ...options, stdio: "pipe" });
  const inspect = (image: string) => {
    const { OCIv1 } = JSON.parse(run("inspect", "--type", "image", image)) as {
      OCIv1: { config: ImageSettings; rootfs: { diff_ids: string[] } };
    };
    return OCIv1;
  };
  return {
    directory,
    run,
    has: (image) => run("images", "--format", "{{.Name}}").split("\n").includes(image),
    build(name, args) {
      const file = `infra/images/Dockerfile.${name}`;
      const given = args.flatMap((arg) => ["--build-arg", arg]);
      const from = ["--ignorefile", `${file}.dockerignore`, "-f", file, "-t", name, "."];
      run("bud", "--isolation", "chroot", "--layers", ...given, ...from);
    },
    settings: (image) => inspect(image).config,
    layerCount: (image) => inspect(image).rootfs.diff_ids.length,
    mount: (image) => run("mount", run("from", `localhost/${image}`).trim()).trim(),
    unmountAll() {
      run("umount", "--all");
      run("rm", "--all");
    },
  };
}
