import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { Readable, pipeline as pipe } from "node:stream";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Decrypter, Encrypter } from "age-encryption";
import * as z from "zod";
import { BackupError } from "./backup-error.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "./tar.ts";
import type { TarEntry } from "./tar.ts";

/** One file of a backup, and what must be in it. */
const Sum = z.object({ name: z.string(), size: z.int(), sha256: z.string() });
type Sum = z.output<typeof Sum>;

/** The last file of every backup: without it the backup was cut off. */
const SUMS = "sums.json";

export interface ArchiveWriter {
  add(name: string, content: Buffer): Promise<void>;
  /** Of exactly `size` bytes. @throws BackupError for another number. */
  stream(entry: TarEntry, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * Writes a gzipped tar, encrypted for `recipients` (age, https://age-encryption.org/v1) unless there are none. The file is
 * there whole or not at all.
 */
export async function writeArchive(
  file: string,
  recipients: readonly string[],
  fill: (writer: ArchiveWriter) => Promise<void>,
): Promise<void> {
  const unfinished = `${file}.partial`;
  const tar = new TransformStream<Uint8Array, Uint8Array>();
  const writer = tar.writable.getWriter();
  const zipped = piped(fromWeb(tar.readable), createGzip());
  try {
    const closed = encrypted(zipped, recipients).then((stream) =>
      pipeline(stream, createWriteStream(unfinished, { mode: 0o600, flags: "wx", flush: true })),
    );
    const filled = fillTar(writer, fill).catch(async (error: unknown) => {
      await writer.abort(error).catch(() => {});
      zipped.destroy(error as Error);
      throw error;
    });
    // Whichever failed first is the reason of the other's failure.
    await Promise.all([filled, closed]);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function encrypted(source: Readable, recipients: readonly string[]): Promise<Readable> {
  if (recipients.length === 0) return source;
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return fromWeb(await encrypter.encrypt(toWeb(source)));
}

async function fillTar(
  tar: WritableStreamDefaultWriter<Uint8Array>,
  fill: (writer: ArchiveWriter) => Promise<void>,
): Promise<void> {
  const sums: Sum[] = [];
  const put = async (bytes: Uint8Array) => {
    await tar.ready;
    await tar.write(bytes);
  };
  async function stream(entry: TarEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    const hash = createHash("sha256");
    let size = 0;
    await put(tarHeader(entry));
    for await (const part of content) {
      hash.update(part);
      size += part.byteLength;
      await put(part);
    }
    if (size !== entry.size) throw new BackupError(`${entry.name} changed while it was read`);
    await put(tarPadding(size));
    sums.push({ ...entry, sha256: hash.digest("hex") });
  }
  const add = (name: string, content: Buffer) => stream({ name, size: content.length }, once(content));
  await fill({ add, stream });
  await add(SUMS, Buffer.from(JSON.stringify(sums)));
  await put(TAR_END);
  await tar.close();
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

export interface ArchiveEntry extends TarEntry {
  content: AsyncGenerator<Buffer>;
}

/**
 * Reads a backup's files in their order. Each content must be read to its end. At the end every file is held against its sum.
 * @throws BackupError when it is not whole, or not for `identity`.
 */
export async function readArchive(
  file: string,
  identity: string | null,
  take: (entry: ArchiveEntry) => Promise<void>,
): Promise<{ files: number; bytes: number }> {
  const seen: Sum[] = [];
  let sums: Sum[] | null = null;
  const damaged = (cause: unknown) =>
    new BackupError(`${file} is not a whole backup, or not for this identity: ${String(cause)}`, { cause });
  const entries = readTar(await opened(file, identity, damaged));
  for await (const entry of blaming(entries, damaged)) {
    const hash = createHash("sha256");
    const content = hashed(blaming(entry.content, damaged), hash);
    if (entry.name === SUMS) {
      sums = z.array(Sum).parse(JSON.parse(await textOf(content)));
    } else {
      await take({ name: entry.name, size: entry.size, content });
      seen.push({ name: entry.name, size: entry.size, sha256: hash.digest("hex") });
    }
  }
  if (sums === null || JSON.stringify(sums) !== JSON.stringify(seen))
    throw new BackupError(`${file} is not what was written: its files do not have their sums`);
  return { files: seen.length, bytes: seen.reduce((sum, { size }) => sum + size, 0) };
}

async function* hashed(content: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const part of content) {
    hash.update(part);
    yield part;
  }
}

/** Tells the faults of a source from those of whoever takes what it gives. */
async function* blaming<T>(source: AsyncIterator<T>, blame: (cause: unknown) => Error): AsyncGenerator<T> {
  for (;;) {
    const next = await source.next().catch((cause: unknown) => {
      throw blame(cause);
    });
    if (next.done) return;
    yield next.value;
  }
}

/** How every age file begins. */
const AGE = "age-encryption.org/v1\n";

async function opened(
  file: string,
  identity: string | null,
  damaged: (cause: unknown) => Error,
): Promise<Readable> {
  const isEncrypted = (await headOf(file)) === AGE;
  if (isEncrypted && identity === null)
    throw new BackupError(`${file} is encrypted: name the file of its identity (--identity)`);
  const source = createReadStream(file);
  if (!isEncrypted || identity === null) return piped(source, createGunzip());
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const decrypted = decrypter.decrypt(toWeb(source)).catch((cause: unknown) => {
    source.destroy();
    throw damaged(cause);
  });
  return piped(fromWeb(await decrypted), createGunzip());
}

/** Their errors come out at the end. */
function piped<Out extends Duplex>(source: Readable, through: Out): Out {
  pipe(source, through, () => {});
  return through;
}

function toWeb(stream: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

function fromWeb(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
}

async function headOf(file: string): Promise<string> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(AGE.length), 0, AGE.length, 0);
  return buffer.toString("latin1", 0, bytesRead);
}

export async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
