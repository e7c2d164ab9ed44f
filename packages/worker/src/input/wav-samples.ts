import type { WavHeader } from "./wav-header.ts";

/** Reads sample `i` of an interleaved block as a number in [-1, 1]. */
type ReadSample = (bytes: DataView, offset: number) => number;

/** Full scale is 2^(bits−1), as in ffmpeg: -1 is reached, +1 is not. */
const READ: Readonly<Record<string, ReadSample>> = {
  int8: (bytes, offset) => (bytes.getUint8(offset) - 128) / 128,
  int16: (bytes, offset) => bytes.getInt16(offset, true) / 2 ** 15,
  int24: (bytes, offset) => ((bytes.getInt8(offset + 2) << 16) | bytes.getUint16(offset, true)) / 2 ** 23,
  int32: (bytes, offset) => bytes.getInt32(offset, true) / 2 ** 31,
  float32: (bytes, offset) => bytes.getFloat32(offset, true),
};

/** Deinterleaves whole frames of little-endian PCM into one array a channel. */
export function readSamples(bytes: Uint8Array, { encoding, bits, channels }: WavHeader): Float32Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READ[`${encoding}${bits}`];
  if (read === undefined) throw new Error(`There is no reader for ${encoding}${bits}`);
  const sampleBytes = bits / 8;
  const frames = bytes.byteLength / sampleBytes / channels;
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0; i < frames; i += 1) samples[i] = read(view, (i * channels + channel) * sampleBytes);
    return samples;
  });
}
