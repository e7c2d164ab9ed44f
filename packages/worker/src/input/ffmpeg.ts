import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ChildLimits } from "./sandbox.ts";

export interface FfmpegPaths {
  ffmpeg: string;
  ffprobe: string;
}

export const INSTALL_FFMPEG =
  "Install ffmpeg to read this format: apt-get install ffmpeg, dnf install ffmpeg or brew install ffmpeg.";

export const INSTALL_SOXR =
  "This ffmpeg was built without libsoxr, with which Earshot resamples. Install one that has it: `ffmpeg -version` then lists --enable-libsoxr, as Debian's package does.";

const SOXR_TIMEOUT_MS = 10_000;

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

/** What the tool said, without the path of the file on this machine and the addresses of its own objects. */
export function withoutPath(stderr: string, file: string): string {
  return stderr
    .replaceAll(`file:${file}`, "input")
    .replaceAll(file, "input")
    .replaceAll(/ @ 0x[0-9a-f]+(?=\])/g, "");
}

/** Whether this build resamples by soxr. It is asked to: a list of build options may be missing or out of date. */
export async function hasSoxr({ ffmpeg }: Pick<FfmpegPaths, "ffmpeg">): Promise<boolean> {
  const silence = ["-f", "s16le", "-ar", "8000", "-ac", "1", "-t", "0.1", "-i", "/dev/zero"];
  const words = [
    "-nostdin",
    "-v",
    "error",
    ...silence,
    "-af",
    "aresample=16000:resampler=soxr",
    "-f",
    "null",
    "-",
  ];
  return promisify(execFile)(ffmpeg, words, { timeout: SOXR_TIMEOUT_MS, killSignal: "SIGKILL" }).then(
    () => true,
    () => false,
  );
}

/** Whether ffmpeg said that it has no soxr (libswresample's swr_init). */
export function lacksSoxr(stderr: string): boolean {
  return stderr.includes("Requested resampling engine is unavailable");
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
