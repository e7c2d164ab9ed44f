import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BlobStore } from "./blob-store.ts";
import { openBlobs } from "./open-blobs.ts";

let directory: string;
let blobs: BlobStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-test-blobs-"));
  blobs = await openBlobs(pathToFileURL(directory).href);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const streamOf = (...parts: string[]) => new Blob(parts).stream();
const textOf = async (key: string) => new Response(await blobs.read(key)).text();
const files = async () =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

test("a blob is read as it was written, whole and by its head", async () => {
  await blobs.write("results/job/1/task.json.gz", streamOf("Hello ", "world"));
  expect(await textOf("results/job/1/task.json.gz")).toBe("Hello world");
  expect(await blobs.size("results/job/1/task.json.gz")).toBe(11);
  expect(new TextDecoder().decode(await blobs.head("results/job/1/task.json.gz", 5))).toBe("Hello");
  expect(await blobs.head("results/job/1/task.json.gz", 64)).toHaveLength(11);
  expect(await files()).toEqual(["task.json.gz"]);
});

test("a later write replaces the whole blob", async () => {
  await blobs.write("a", streamOf("the first, longer one"));
  await blobs.write("a", streamOf("the second"));
  expect(await textOf("a")).toBe("the second");
});

test("what isn't there has no size, cannot be read, and can be deleted", async () => {
  expect(await blobs.size("uploads/none")).toBeNull();
  await expect(blobs.read("uploads/none")).rejects.toThrow("ENOENT");
  await expect(blobs.head("uploads/none", 1)).rejects.toThrow("ENOENT");
  await blobs.delete("uploads/none");
  await blobs.write("uploads/some", streamOf("x"));
  await blobs.delete("uploads/some");
  expect(await blobs.size("uploads/some")).toBeNull();
});

test("other bytes than expected are refused and leave nothing, not even half", async () => {
  const sha256 = createHash("sha256").update("four").digest("hex");
  await blobs.write("good", streamOf("fo", "ur"), { sizeBytes: 4, sha256 });
  await blobs.write("unhashed", streamOf("1234"), { sizeBytes: 4, sha256: null });
  const refused: [string, { sizeBytes: number; sha256: string | null }, string][] = [
    ["fours", { sizeBytes: 4, sha256: null }, "size"],
    ["fou", { sizeBytes: 4, sha256 }, "size"],
    ["FOUR", { sizeBytes: 4, sha256 }, "sha256"],
  ];
  for (const [body, expected, field] of refused) {
    await expect(blobs.write("bad", streamOf(body), expected)).rejects.toMatchObject({
      code: "input_mismatch",
      detail: { field },
    });
  }
  expect((await files()).toSorted()).toEqual(["good", "unhashed"]);
});

test("a body that breaks off leaves what was there before", async () => {
  await blobs.write("a", streamOf("before"));
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(10));
      controller.error(new Error("cut"));
    },
  });
  await expect(blobs.write("a", broken)).rejects.toThrow("cut");
  expect(await textOf("a")).toBe("before");
  expect(await files()).toEqual(["a"]);
});

test.for(["", "/etc/passwd", "../a", "a/../../b", "a//b", ".unfinished/x", "a/.", "a\0b", "a\\b", "a/"])(
  "%j is no key",
  async (key) => {
    expect(() => blobs.size(key)).toThrow(TypeError);
  },
);

test("what a killed process left half-written goes at the next start, what is being written stays", async () => {
  const unfinished = join(directory, ".unfinished");
  await mkdir(unfinished, { recursive: true });
  await writeFile(join(unfinished, "old"), "x");
  await writeFile(join(unfinished, "young"), "x");
  await utimes(join(unfinished, "old"), 0, 0);
  await openBlobs(pathToFileURL(directory).href);
  expect(await files()).toEqual(["young"]);
});

test("no other scheme is opened", async () => {
  await expect(openBlobs("ftp://bucket")).rejects.toThrow("ftp:");
});
