import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findFfmpeg } from "@earshot/worker/input/ffmpeg";
import { detectSandbox } from "@earshot/worker/input/sandbox";
import { parseFile } from "music-metadata";
import { TagLib } from "taglib-wasm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readProperties, writeTags } from "./write-tags.ts";
import type { TagTools } from "./write-tags.ts";

const run = promisify(execFile);

let directory: string;
let sources: string;
let tools: TagTools;

const FORMATS = ["mp3", "flac", "m4a", "ogg", "opus", "wav", "aiff"];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-tags-"));
  sources = join(directory, "sources");
  await mkdir(sources);
  const ffmpeg = await findFfmpeg(process.env["PATH"] ?? "");
  if (ffmpeg === null) throw new Error("this test needs ffmpeg");
  tools = {
    ffmpeg,
    sandbox: await detectSandbox(),
    taglib: await TagLib.initialize(),
    signal: new AbortController().signal,
  };
  await run("ffmpeg", [
    "-v",
    "error",
    "-f",
    "lavfi",
    "-i",
    "color=red:s=32x32",
    "-frames:v",
    "1",
    join(sources, "cover.png"),
  ]);
  for (const format of FORMATS) await encode(format);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(directory, "work-"));
});

async function encode(format: string): Promise<void> {
  const tone = ["-f", "lavfi", "-i", "sine=440:duration=2"];
  const picture = ["-i", join(sources, "cover.png"), "-map", "0", "-map", "1", "-c:v", "copy"];
  const cover = ["mp3", "flac", "m4a"].includes(format) ? [...picture, "-disposition:v", "attached_pic"] : [];
  const tags = ["title=Tön", "artist=Who", "comment=keep me"].flatMap((tag) => ["-metadata", tag]);
  const file = join(sources, `song.${format}`);
  await run("ffmpeg", ["-v", "error", ...tone, ...cover, ...tags, "-ar", "48000", file]);
}

async function song(format: string): Promise<string> {
  const file = join(work, `song.${format}`);
  await copyFile(join(sources, `song.${format}`), file);
  return file;
}

const CHANGES = [
  { name: "BPM", before: [], after: ["128"] },
  { name: "INITIALKEY", before: [], after: ["F#m"] },
  { name: "EARSHOT_TAGS", before: [], after: ["rock", "jazz"] },
];

async function decodedHash(file: string): Promise<string> {
  const { stdout } = await run("ffmpeg", [
    "-v",
    "error",
    "-i",
    file,
    "-map",
    "0:a",
    "-f",
    "hash",
    "-hash",
    "sha256",
    "-",
  ]);
  return stdout.trim();
}

const bytesOf = async (file: string) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

describe.each(FORMATS)("a file of %s", (format) => {
  test("gets the tags, keeps its audio, its picture and its other tags, and leaves nothing beside it", async () => {
    const file = await song(format);
    await chmod(file, 0o640);
    const [audio, before] = [await decodedHash(file), await readProperties(file, tools.taglib)];
    const pictures = (await parseFile(file)).common.picture ?? [];
    await writeTags(file, CHANGES, tools);
    expect(await decodedHash(file)).toBe(audio);
    const after = await readProperties(file, tools.taglib);
    const upper = Object.fromEntries(
      Object.entries(after).map(([name, values]) => [name.toUpperCase(), values]),
    );
    expect(upper).toMatchObject({ BPM: ["128"], INITIALKEY: ["F#m"], EARSHOT_TAGS: ["rock", "jazz"] });
    for (const [name, values] of Object.entries(before)) expect([...new Set(after[name])]).toEqual(values);
    // Another reader sees them as well.
    const { common } = await parseFile(file);
    expect(common.bpm).toBe(128);
    expect((common.picture ?? []).map(({ data }) => Buffer.from(data).toString("base64"))).toEqual(
      pictures.map(({ data }) => Buffer.from(data).toString("base64")),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(work)).toEqual([`song.${format}`]);
  });
});

/** A TagLib that does something to the file that it has written. */
function clumsy(spoil: (file: string) => Promise<void>): TagLib {
  return {
    open: async (file: string) => {
      const tags = await tools.taglib.open(file);
      return new Proxy(tags, {
        get(target, name) {
          if (name === "saveToFile")
            return async (path: string) => target.saveToFile(path).then(() => spoil(path));
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  } as unknown as TagLib;
}

describe("a copy that is not what it should be never takes the file's place", () => {
  test.each([
    [
      "one bit of audio is different",
      "audio",
      async (file: string) => {
        await using handle = await open(file, "r+");
        const { size } = await handle.stat();
        const byte = Buffer.alloc(1);
        await handle.read(byte, 0, 1, size - 5_000);
        byte[0] = (byte[0] ?? 0) ^ 1;
        await handle.write(byte, 0, 1, size - 5_000);
      },
    ],
    [
      "it is cut off",
      "audio",
      async (file: string) => {
        await using handle = await open(file, "r+");
        await handle.truncate((await handle.stat()).size / 2);
      },
    ],
    [
      "a tag is lost",
      "ARTIST",
      async (file: string) => {
        const tags = await tools.taglib.open(file);
        tags.setProperties({ artist: [] });
        await tags.saveToFile(file);
        tags.dispose();
      },
    ],
    [
      "the picture is lost",
      "pictures",
      async (file: string) => {
        const tags = await tools.taglib.open(file);
        tags.removePictures();
        await tags.saveToFile(file);
        tags.dispose();
      },
    ],
  ] as const)("%s", async (_what, why, spoil) => {
    const file = await song("flac");
    const before = await bytesOf(file);
    await expect(writeTags(file, CHANGES, { ...tools, taglib: clumsy(spoil) })).rejects.toThrow(why);
    expect(await bytesOf(file)).toBe(before);
    expect(await readdir(work)).toEqual(["song.flac"]);
  });
});

test("what is no audio is refused and left as it is", async () => {
  const file = join(work, "noise.mp3");
  await writeFile(file, Buffer.alloc(10_000, 7));
  const before = await bytesOf(file);
  await expect(writeTags(file, CHANGES, tools)).rejects.toMatchObject({ code: "decode_failed" });
  expect(await bytesOf(file)).toBe(before);
  expect(await readdir(work)).toEqual(["noise.mp3"]);
});

test("a link is followed: the file that it names is written, and the link stays one", async () => {
  const file = await song("mp3");
  const alias = join(work, "alias.mp3");
  await symlink("song.mp3", alias);
  await writeTags(alias, CHANGES, tools);
  expect(await readProperties(file, tools.taglib)).toMatchObject({ INITIALKEY: ["F#m"] });
  expect(
    (await readdir(work, { withFileTypes: true })).find(({ name }) => name === "alias.mp3")?.isSymbolicLink(),
  ).toBe(true);
});
