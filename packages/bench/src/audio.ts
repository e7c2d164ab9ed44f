import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Left and right differ: a pulsing tone each, and noise four times a second, so that no two patches are alike. */
function trackGraph(seed: number, seconds: number): string {
  const of = (frequency: number, beep: number) => `sine=f=${frequency}:b=${beep}:r=44100:d=${seconds}`;
  return [
    `${of(220 + 7 * seed, 4)}[tone]`,
    `anoisesrc=c=pink:r=44100:a=0.1:d=${seconds}:seed=${seed},tremolo=f=4:d=0.95[noise]`,
    "[tone][noise]amix=2[left]",
    `${of(330 + 5 * seed, 3)},tremolo=f=2:d=0.9[right]`,
    "[left][right]join=inputs=2:channel_layout=stereo[out]",
  ].join(";");
}

/** A stereo MP3 of 44.1 kHz and 192 kbit/s. */
export async function writeTrack(directory: string, seed: number, seconds: number): Promise<string> {
  const file = join(directory, `track-${seed}.mp3`);
  const input = ["-filter_complex", trackGraph(seed, seconds), "-map", "[out]"];
  await ffmpeg(input, "-c:a", "libmp3lame", "-b:a", "192k", "-compression_level", "9", file);
  return file;
}

/** Small on disk, however long it is. */
export async function writeSilence(directory: string, name: string, seconds: number): Promise<string> {
  const file = join(directory, name);
  await ffmpeg(
    ["-f", "lavfi", "-i", `anullsrc=r=8000:cl=mono:d=${seconds}`],
    "-c:a",
    "flac",
    "-frame_size",
    "9000",
    file,
  );
  return file;
}

async function ffmpeg(input: readonly string[], ...output: string[]): Promise<void> {
  await run("ffmpeg", ["-nostdin", "-v", "error", "-y", ...input, ...output]);
}
