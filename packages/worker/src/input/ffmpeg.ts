import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { ChildLimits } from "./sandbox.ts";

export interface FfmpegPaths {
  ffmpeg: string;
  ffprobe: string;
}

export const INSTALL_FFMPEG =
  "Install ffmpeg to read this format: apt-get install ffmpeg, dnf install ffmpeg or brew install ffmpeg.";

// Without this list a text file named .mp3 that holds a playlist decodes another file of this machine.
const FORMATS = "mp3,flac,ogg,wav,mov,matroska,aiff,asf,wv,aac,ac3,eac3,tta,ape,w64,caf,mpc,mpc8,dsf,amr";

/** Input options that ffmpeg and ffprobe share. `file` is an absolute path; the prefix keeps names like `http:x` files. */
export function inputArguments(file: string): string[] {
  return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", `file:${file}`];
}

/** Under 600 MB of address space ffmpeg can hang after its last byte, and builds with many libraries need more. */
export function ffmpegLimits(timeoutMs: number): ChildLimits {
  // Newer versions spread their work over several threads, all of which count.
  return { addressSpaceBytes: 1.5 * 1024 ** 3, cpuSeconds: Math.ceil((timeoutMs / 1_000) * 4) };
}

/** What the tool said, without the path of the file on this machine. */
export function withoutPath(stderr: string, file: string): string {
  return stderr.replaceAll(`file:${file}`, "input").replaceAll(file, "input");
}

/** Looks for both programs in `searchPath` (the shape of PATH). Null unless both are there. */
export async function findFfmpeg(searchPath: string): Promise<FfmpegPaths | null> {
  const [ffmpeg, ffprobe] = await Promise.all([
    findProgram("ffmpeg", searchPath),
    findProgram("ffprobe", searchPath),
  ]);
  return ffmpeg === null || ffprobe === null ? null : { ffmpeg, ffprobe };
}

async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const directory of searchPath.split(delimiter).filter(Boolean)) {
    const path = join(directory, name);
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return null;
}
