import { relative, sep } from "node:path";

/** A path as one would type it here: relative when it lies below the current directory. */
export function nearPath(path: string, from: string = process.cwd()): string {
  const near = relative(from, path);
  return near === "" || near === ".." || near.startsWith(`..${sep}`) ? path : near;
}
