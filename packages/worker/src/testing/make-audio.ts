import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Mono 16-bit PCM WAV of a sine at -12 dBFS, by formula. */
export async function writeToneWav(
  file: string,
  options: { seconds: number; sampleRateHz: number },
): Promise<string> {
  const { seconds, sampleRateHz } = options;
  const samples = Math.round(seconds * sampleRateHz);
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) {
    wav.writeInt16LE(Math.round(8_192 * Math.sin((2 * Math.PI * 440 * i) / sampleRateHz)), 44 + i * 2);
  }
  await writeFile(file, wav);
  return file;
}

/** A FLAC of the given length that is small on disk and takes ffmpeg a while. */
export async function writeLongFlac(file: string, seconds: number): Promise<string> {
  const source = `sine=frequency=440:sample_rate=44100:duration=${seconds}`;
  await run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:a", "flac", file]);
  return file;
}
