import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Mono 16-bit PCM WAV of a sine at -12 dBFS, by formula. */
export function writeToneWav(
  file: string,
  { seconds, sampleRateHz }: { seconds: number; sampleRateHz: number },
): Promise<string> {
  const length = Math.round(seconds * sampleRateHz);
  const sine = Float64Array.from(
    { length },
    (_, i) => 0.25 * Math.sin((2 * Math.PI * 440 * i) / sampleRateHz),
  );
  return writeWav(file, sine, sampleRateHz);
}

/** Mono 16-bit PCM WAV. @param samples In [-1, 1]. */
export async function writeWav(
  file: string,
  samples: Float32Array | Float64Array,
  sampleRateHz: number,
): Promise<string> {
  const wav = Buffer.alloc(44 + samples.length * 2);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples.length * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples.length * 2, 40);
  for (const [i, sample] of samples.entries())
    wav.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(32_768 * sample))), 44 + i * 2);
  await writeFile(file, wav);
  return file;
}

/** A FLAC of the given length that is small on disk and takes ffmpeg a while. */
export async function writeLongFlac(file: string, seconds: number): Promise<string> {
  const source = `sine=frequency=440:sample_rate=44100:duration=${seconds}`;
  await run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:a", "flac", file]);
  return file;
}
