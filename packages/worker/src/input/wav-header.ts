import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { AppError } from "@earshot/shared/domain/errors";
import { SANE_AUDIO } from "./audio.ts";

/** The parts of a PCM WAV header that say how to read its samples (Microsoft's WAVEFORMATEX and WAVEFORMATEXTENSIBLE). */
export interface WavHeader {
  encoding: "int" | "float";
  /** Bits of the container of one sample: 8, 16, 24 or 32. */
  bits: number;
  channels: number;
  sampleRateHz: number;
  /** One bit a loudspeaker, lowest first in the order of the channels; 0 when the file doesn't say. */
  channelMask: number;
  dataOffset: number;
  /** Bytes of whole frames that the file really holds. */
  dataBytes: number;
  /** Bytes that the header announces; null when a streaming writer never came back to fill them in. */
  declaredBytes: number | null;
}

type Format = Pick<WavHeader, "encoding" | "bits" | "channels" | "sampleRateHz" | "channelMask">;
interface Chunk {
  id: string;
  offset: number;
  bytes: number;
}

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
/** What writers leave in the data chunk's size when they can't seek back. */
const UNFILLED_SIZES = [0, 0xffff_ffff];
/** A file of nothing but tiny chunks isn't worth walking. */
const MAX_CHUNKS = 10_000;

/** @throws AppError `unsupported_media` when it isn't PCM WAV, `decode_failed` when its chunks don't add up. */
export async function readWavHeader(handle: FileHandle): Promise<WavHeader> {
  const fileBytes = (await handle.stat()).size;
  const riff = await readAt(handle, 0, 12);
  if (riff.toString("latin1", 0, 4) !== "RIFF" || riff.toString("latin1", 8, 12) !== "WAVE") throw notWav();
  let format: Format | null = null;
  for await (const chunk of chunksOf(handle)) {
    if (chunk.id === "fmt ")
      format = parseFormat(await readAt(handle, chunk.offset, Math.min(chunk.bytes, 40)));
    if (chunk.id !== "data") continue;
    if (format === null) break;
    return { ...format, ...dataExtent(chunk, fileBytes, frameBytes(format)) };
  }
  throw new AppError("decode_failed", { detail: { decoder: "The WAV file has no format or no data." } });
}

/** Seconds that the header of a WAV file announces, or null when it doesn't or isn't PCM. */
export async function readDeclaredWavSeconds(file: string): Promise<number | null> {
  await using handle = await open(file);
  const header = await readWavHeader(handle).catch((error: unknown) => {
    if (error instanceof AppError) return null;
    throw error;
  });
  return header === null ? null : declaredSeconds(header);
}

export function declaredSeconds(header: WavHeader): number | null {
  if (header.declaredBytes === null) return null;
  return Math.floor(header.declaredBytes / frameBytes(header)) / header.sampleRateHz;
}

/** Bytes of one sample of every channel. */
export function frameBytes({ channels, bits }: Pick<WavHeader, "channels" | "bits">): number {
  return (channels * bits) / 8;
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Chunk> {
  let offset = 12;
  for (let count = 0; count < MAX_CHUNKS; count += 1) {
    const head = await readAt(handle, offset, 8);
    if (head.length < 8) return;
    const bytes = head.readUInt32LE(4);
    yield { id: head.toString("latin1", 0, 4), offset: offset + 8, bytes };
    // Chunks start at even offsets.
    offset += 8 + bytes + (bytes % 2);
  }
}

function parseFormat(chunk: Buffer): Format {
  if (chunk.length < 16)
    throw new AppError("decode_failed", { detail: { decoder: "The WAV file ends in its header." } });
  const tag = chunk.readUInt16LE(0);
  const isExtensible = tag === FORMAT_EXTENSIBLE && chunk.length >= 40;
  const encoding = encodingOf(isExtensible ? chunk.readUInt16LE(24) : tag);
  const format = {
    encoding,
    bits: chunk.readUInt16LE(14),
    channels: chunk.readUInt16LE(2),
    sampleRateHz: chunk.readUInt32LE(4),
    channelMask: isExtensible ? chunk.readUInt32LE(20) : 0,
  };
  if (!isReadable(format) || chunk.readUInt16LE(12) !== frameBytes(format)) throw notWav();
  return format;
}

function encodingOf(tag: number): "int" | "float" {
  if (tag === FORMAT_PCM) return "int";
  if (tag === FORMAT_FLOAT) return "float";
  throw notWav();
}

function isReadable({ encoding, bits, channels, sampleRateHz }: Format): boolean {
  const hasKnownSamples = encoding === "float" ? bits === 32 : [8, 16, 24, 32].includes(bits);
  const hasSaneRate =
    sampleRateHz >= SANE_AUDIO.minSampleRateHz && sampleRateHz <= SANE_AUDIO.maxSampleRateHz;
  return hasKnownSamples && hasSaneRate && channels >= 1 && channels <= SANE_AUDIO.maxChannels;
}

function dataExtent(
  chunk: Chunk,
  fileBytes: number,
  bytesPerFrame: number,
): Pick<WavHeader, "dataOffset" | "dataBytes" | "declaredBytes"> {
  const present = Math.max(0, fileBytes - chunk.offset);
  const declaredBytes = UNFILLED_SIZES.includes(chunk.bytes) ? null : chunk.bytes;
  const readable = Math.min(present, declaredBytes ?? present);
  return { dataOffset: chunk.offset, dataBytes: readable - (readable % bytesPerFrame), declaredBytes };
}

async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

function notWav(): AppError {
  return new AppError("unsupported_media", { detail: { decoder: "It is not a PCM WAV file." } });
}
