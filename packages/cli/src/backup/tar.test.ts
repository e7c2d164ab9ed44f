import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTar, TAR_END, tarHeader, tarPadding } from "./tar.ts";

let directory: string;
beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), "earshot-test-tar-"))));
afterAll(() => rm(directory, { recursive: true, force: true }));

const LONG = `blobs/results/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/1/${"x".repeat(70)}/music.embedding.json.gz.sealed`;
const FILES: [string, Buffer][] = [
  ["manifest.json", Buffer.from("{}")],
  ["rows/jobs/0.copy", Buffer.alloc(512, 7)],
  ["empty", Buffer.alloc(0)],
  [LONG, Buffer.alloc(1_000, 9)],
];

function archive(): Buffer {
  const parts = FILES.flatMap(([name, content]) => [
    tarHeader({ name, size: content.length }),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

async function read(bytes: Buffer, pieces: number): Promise<[string, Buffer][]> {
  const cut = Array.from({ length: Math.ceil(bytes.length / pieces) }, (_, index) =>
    bytes.subarray(index * pieces, (index + 1) * pieces),
  );
  const found: [string, Buffer][] = [];
  for await (const { name, content } of readTar(Readable.from(cut))) {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(part);
    found.push([name, Buffer.concat(parts)]);
  }
  return found;
}

test("the system's tar reads what is written", async () => {
  const file = join(directory, "a.tar");
  await writeFile(file, archive());
  execFileSync("tar", ["-xf", file, "-C", directory]);
  for (const [name, content] of FILES) expect(await readFile(join(directory, name)), name).toEqual(content);
});

test.each([1, 7, 512, 100_000])("what is written is read again, in pieces of %d bytes", async (pieces) => {
  expect(await read(archive(), pieces)).toEqual(FILES);
});

test("what the system's tar writes is read", async () => {
  const names = FILES.map(([name]) => name);
  const tar = execFileSync("tar", ["--format=ustar", "-C", directory, "-cf", "-", ...names]);
  expect(await read(tar, 1_000)).toEqual(FILES);
});

test("an archive that is cut off, or whose header was changed, is none", async () => {
  await expect(read(archive().subarray(0, 700), 512)).rejects.toThrow("ends too early");
  await expect(read(archive().subarray(0, -1_024), 512)).rejects.toThrow("ends too early");
  const changed = archive();
  changed.write("1", 0);
  await expect(read(changed, 512)).rejects.toThrow("damaged");
});

test("a name that does not fit is refused, not cut", () => {
  expect(() => tarHeader({ name: "x".repeat(101), size: 0 })).toThrow(TypeError);
  expect(() => tarHeader({ name: "ä", size: 0 })).toThrow(TypeError);
});
