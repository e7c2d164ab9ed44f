import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ComposeService } from "./compose.ts";

/** Where an image lies, and what it has in its environment. */
export interface ImageRoot {
  path: string;
  env: string[];
}

/** By name: directories on this machine. */
export interface Sources {
  volumes: Record<string, string>;
  secrets: Record<string, string>;
}

/**
 * The command that runs `command` as the service would run: on the image's root, read-only, with the service's mounts, user and
 * environment, in a mount namespace that goes with it. It becomes the process itself: a signal reaches it.
 */
export function contained(
  { path: root, env }: ImageRoot,
  { user = "", tmpfs = [], volumes = [], secrets = [], environment = {} }: ComposeService,
  sources: Sources,
  command: readonly string[],
): [string, string[]] {
  const mounts = [
    ...volumes.map(({ source, target }) => bind(root, sources.volumes[source] ?? "", target, "directory")),
    ...secrets.map(({ source, target }) => bind(root, sources.secrets[source] ?? "", target, "file")),
    ...tmpfs.map((line) => {
      const [target = "", options = "rw"] = line.split(/:(.*)/);
      return `mount -t tmpfs -o ${options} tmpfs ${quoted(root + target)}`;
    }),
  ];
  const [uid = "", gid = ""] = user.split(":");
  const settings = [...env, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  const script = [
    "set -e",
    `mount --bind ${quoted(root)} ${quoted(root)}`,
    `mount -o remount,bind,ro ${quoted(root)}`,
    `mount -t proc proc ${quoted(`${root}/proc`)}`,
    `mount --rbind /dev ${quoted(`${root}/dev`)}`,
    ...mounts,
    `exec chroot ${quoted(root)} setpriv --reuid=${uid} --regid=${gid} --clear-groups --inh-caps=-all --bounding-set=-all \\
      --no-new-privs env -i -C /earshot ${settings.map(quoted).join(" ")} ${command.map(quoted).join(" ")}`,
  ];
  return ["unshare", ["--mount", "--propagation", "private", "sh", "-c", script.join("\n")]];
}

/** A mount needs something that it hides. */
function bind(root: string, source: string, target: string, kind: "directory" | "file"): string {
  const place = join(root, target);
  mkdirSync(kind === "file" ? dirname(place) : place, { recursive: true });
  if (kind === "file") writeFileSync(place, "");
  return `mount --bind ${quoted(source)} ${quoted(place)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
