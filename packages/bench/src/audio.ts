import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A track by formula: a bass, a chord that moves, a beat twice a second and noise, so that no two patches are alike. */
function trackExpression(seed: number): string {
  const chord = (hz: number) => `0.12*sin(2*PI*${hz}*t*(1+0.12*floor(mod(t/2\\,4))))`;
  const beat = `0.4*exp(-8*mod(t*2\\,1))*sin(2*PI*(${60 + seed})*t)`;
  const left = [chord(220 + seed), chord(277), beat, "0.05*(random(0)-0.5)"].join("+");
  const right = [chord(330 + seed), chord(440), beat, "0.05*(random(1)-0.5)"].join("+");
  return `aevalsrc=${left}|${right}:s=44100`;
}

/** A stereo MP3 of 44.1 kHz and 192 kbit/s. */
export async function writeTrack(directory: string, seed: number, seconds: number): Promise<string> {
  const file = join(directory, `track-${seed}.mp3`);
  await ffmpeg(`${trackExpression(seed)}:d=${seconds}`, "-c:a", "libmp3lame", "-b:a", "192k", file);
  return file;
}

/** Small on disk, however long it is. */
export async function writeSilence(directory: string, name: string, seconds: number): Promise<string> {
  const file = join(directory, name);
  await ffmpeg(`anullsrc=r=8000:cl=mono:d=${seconds}`, "-c:a", "flac", "-frame_size", "9000", file);
  return file;
}

async function ffmpeg(source: string, ...output: string[]): Promise<void> {
  await run("ffmpeg", ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, ...output]);
}
