import { readFile, writeFile } from "node:fs/promises";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { detectSandbox } from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { readTags } from "./tags.ts";
import { createCorpus, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

let corpus: Corpus;
let sandbox: Sandbox;

beforeAll(async () => {
  corpus = await createCorpus();
  sandbox = await detectSandbox();
});
afterAll(() => corpus[Symbol.asyncDispose]());

function read(file: string, signal = new AbortController().signal) {
  const warn = vi.fn();
  return { warn, tags: readTags(file, { sandbox, signal, log: { ...silentLog, warn } }) };
}

const metadata = (tags: Record<string, string>) =>
  Object.entries(tags).flatMap(([name, value]) => ["-metadata", `${name}=${value}`]);

test.each(["tagged.mp3", "tagged.flac", "tagged.m4a", "tagged.opus"])(
  "the common tags of %s are strings",
  async (name) => {
    const words = metadata({
      title: "Émile",
      artist: "Somebody",
      album: "Somewhere",
      genre: "Jazz",
      track: "3/12",
    });
    const file = await corpus.make(name, ...sine({ seconds: 1, rateHz: 48_000 }), ...words);
    const { tags, warn } = read(file);
    expect(await tags).toMatchObject({
      title: "Émile",
      artist: "Somebody",
      album: "Somewhere",
      genre: "Jazz",
    });
    expect((await tags)["track"]).toMatch(/^3(\/12)?$/);
    expect(warn).not.toHaveBeenCalled();
  },
);

test("a long value is cut to 1 kB between two characters, and control characters are gone", async () => {
  const words = metadata({ title: "é".repeat(5_000), artist: "a\u0007b\nc" });
  const file = await corpus.make("long.flac", ...sine({ seconds: 1, rateHz: 8_000 }), ...words);
  expect(await read(file).tags).toMatchObject({ title: "é".repeat(512), artist: "a b c" });
});

test("a file is known by its bytes: its name may say nothing", async () => {
  const words = [...sine({ seconds: 1, rateHz: 44_100 }), ...metadata({ title: "Nameless" }), "-f", "mp3"];
  expect(await read(await corpus.make("upload", ...words)).tags).toMatchObject({ title: "Nameless" });
});

test("a picture is never a tag", async () => {
  const cover = await corpus.make("cover.png", "-f", "lavfi", "-i", "color=d=0.04:s=64x64", "-frames:v", "1");
  const words = [
    ...sine({ seconds: 1, rateHz: 44_100 }),
    "-i",
    cover,
    "-map",
    "0:a",
    "-map",
    "1:v",
    "-c:v",
    "copy",
  ];
  const file = await corpus.make("cover.mp3", ...words, ...metadata({ title: "Covered" }));
  expect(await read(file).tags).not.toHaveProperty("picture");
});

test("a file that breaks the parser has no tags, and the log says so", async () => {
  const file = await corpus.write("garbage.flac", "not audio at all ".repeat(1_000));
  const { tags, warn } = read(file);
  expect(await tags).toEqual({});
  expect(warn).toHaveBeenCalledWith("tags_unreadable", { outcome: "failed" });
});

test("a tag that claims to be larger than the file is harmless", async () => {
  const file = await corpus.make(
    "claim.mp3",
    ...sine({ seconds: 1, rateHz: 44_100 }),
    ...metadata({ title: "Small" }),
  );
  const bytes = await readFile(file);
  // The size of an ID3v2 tag, and of its first frame: 256 MB less one.
  bytes.fill(0x7f, 6, 10).fill(0x7f, 14, 18);
  await writeFile(file, bytes);
  expect(Object.keys(await read(file).tags).length).toBeLessThanOrEqual(32);
});

test("an abort rejects with its reason", async () => {
  const file = await corpus.make("abort.flac", ...sine({ seconds: 1, rateHz: 8_000 }));
  await expect(read(file, AbortSignal.abort(new Error("too late"))).tags).rejects.toThrow("too late");
});
