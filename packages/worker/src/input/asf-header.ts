import { open } from "node:fs/promises";

/** The File Properties Object of the Advanced Systems Format specification, section 3.2, as it stands in a file. */
const FILE_PROPERTIES = Buffer.from("a1dcab8c47a9cf118ee400c00c205365", "hex");
/** Offsets from the start of that object. */
const PLAY_DURATION = 64;
const PREROLL = 80;
const FLAGS = 88;
const OBJECT_BYTES = 104;
/** A live stream's lengths mean nothing. */
const FLAG_BROADCAST = 1;

/** The header stands at the beginning. A cover or a long list of tags may come before the object. */
const HEAD_BYTES = 1024 ** 2;

/**
 * Seconds that the header of an ASF (WMA) file announces, or null when it doesn't. ffmpeg tells them only of a file whose
 * size is right, so one that ends early would seem whole.
 */
export async function readDeclaredAsfSeconds(file: string): Promise<number | null> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const start = buffer.indexOf(FILE_PROPERTIES);
  if (start < 0 || start + OBJECT_BYTES > bytesRead) return null;
  const properties = buffer.subarray(start);
  if ((properties.readUInt32LE(FLAGS) & FLAG_BROADCAST) !== 0) return null;
  // In units of 100 ns and of 1 ms.
  const playSeconds = Number(properties.readBigUInt64LE(PLAY_DURATION)) / 1e7;
  const seconds = playSeconds - Number(properties.readBigUInt64LE(PREROLL)) / 1e3;
  return seconds > 0 ? seconds : null;
}
