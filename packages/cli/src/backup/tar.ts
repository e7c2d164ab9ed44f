import type { Readable } from "node:stream";

/** A file in an archive of the POSIX format (pax interchange, ustar header: IEEE Std 1003.1, "pax"). */
export interface TarEntry {
  name: string;
  size: number;
}

const BLOCK = 512;
const NAME = 100;
const PREFIX = 155;

/** The header block of a plain file, 0600. @throws TypeError for a name that does not fit. */
export function tarHeader({ name, size }: TarEntry): Buffer {
  const [prefix, rest] = splitName(name);
  const header = Buffer.alloc(BLOCK);
  header.write(rest, 0);
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  header.write(prefix, 345);
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Fills the last block of a file. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

export const TAR_END = Buffer.alloc(2 * BLOCK);

function splitName(name: string): [string, string] {
  const bytes = Buffer.byteLength(name);
  if (bytes !== name.length) throw new TypeError(`${name} is not ASCII`);
  if (bytes <= NAME) return ["", name];
  const slash = name.indexOf("/", bytes - NAME - 1);
  if (slash < 0 || slash > PREFIX) throw new TypeError(`${name} is too long a name`);
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/** Of the header with its own field as spaces. */
function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0);
}

/** Reads an archive as it comes. Each file's `content` must be read to its end before the next is asked for. */
export async function* readTar(
  archive: Readable,
): AsyncGenerator<TarEntry & { content: AsyncGenerator<Buffer> }> {
  const bytes = new ByteReader(archive);
  for (;;) {
    const header = await bytes.exactly(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const entry = parseHeader(header);
    yield { ...entry, content: bytes.next(entry.size) };
    await bytes.exactly(tarPadding(entry.size).length);
  }
}

function parseHeader(header: Buffer): TarEntry {
  const text = (from: number, length: number) =>
    header.toString("latin1", from, from + length).replace(/[\0 ]+$/, "");
  const isFile = header[156] === 0x30;
  if (!isFile || text(257, 5) !== "ustar" || Number.parseInt(text(148, 8), 8) !== checksumOf(header)) {
    throw new Error("this is no archive of ours, or it is damaged");
  }
  const prefix = text(345, PREFIX);
  return {
    name: prefix === "" ? text(0, NAME) : `${prefix}/${text(0, NAME)}`,
    size: Number.parseInt(text(124, 12), 8),
  };
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.next(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *next(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) throw new Error("the archive ends too early");
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
