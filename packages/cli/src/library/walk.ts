import { opendir, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import { extname, join } from "node:path";

/** A file of a library, as the file system tells of it. */
export interface LibraryFile {
  /** From the library's root, with `/`. */
  path: string;
  size: number;
  /** Milliseconds, with the fraction that the file system keeps. */
  mtimeMs: number;
}

const EXTENSIONS = new Set(
  "aac ac3 aif aifc aiff amr ape caf dsf eac3 flac m4a m4b mka mp3 mp4 mpc oga ogg opus tta w64 wav webm wma wv"
    .split(" ")
    .map((name) => `.${name}`),
);

/**
 * The audio files below `root` by their names' extensions, in the order of their paths. Hidden ones are left out; links to files are
 * followed, links to directories are not: a library with a loop in it ends.
 */
export async function walkLibrary(root: string, signal: AbortSignal): Promise<LibraryFile[]> {
  const found: LibraryFile[] = [];
  const rest = [""];
  for (let directory = rest.pop(); directory !== undefined; directory = rest.pop()) {
    for await (const entry of await opendir(join(root, directory))) {
      signal.throwIfAborted();
      if (entry.name.startsWith(".")) continue;
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) rest.push(path);
      else if (isAudio(path)) found.push(...(await fileAt(root, path)));
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** None where it is gone, or no file. */
export async function fileAt(root: string, path: string): Promise<LibraryFile[]> {
  const found: Stats | null = await stat(join(root, path)).catch(() => null);
  return found?.isFile() ? [{ path, size: found.size, mtimeMs: found.mtimeMs }] : [];
}

function isAudio(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase());
}
