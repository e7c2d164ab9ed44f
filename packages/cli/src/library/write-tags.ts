import { randomUUID } from "node:crypto";
import { chown, copyFile, constants, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { AppError } from "@earshot/shared/domain/errors";
import { ffmpegLimits, inputArguments, withoutPath } from "@earshot/worker/input/ffmpeg";
import type { FfmpegPaths } from "@earshot/worker/input/ffmpeg";
import { runChild } from "@earshot/worker/input/run-child";
import type { Sandbox } from "@earshot/worker/input/sandbox";
import type { TagLib } from "taglib-wasm";
import type { Change, Properties } from "./tag-plan.ts";

export interface TagTools {
  ffmpeg: FfmpegPaths;
  sandbox: Sandbox;
  taglib: TagLib;
  signal: AbortSignal;
}

const HASH_TIMEOUT_MS = 10 * 60_000;

export async function readProperties(file: string, taglib: TagLib): Promise<Properties> {
  return withTags(file, taglib, (tags) => tags.properties() as Properties);
}

/**
 * Writes into a copy beside the file, and puts that in its place once it is known that no packet of audio, no picture and no other tag
 * is different from before. Whatever goes wrong, the file is as it was.
 * @throws AppError `decode_failed` for a file in which that can't be done
 */
export async function writeTags(link: string, changes: readonly Change[], tools: TagTools): Promise<void> {
  const file = await realpath(link);
  const copy = join(
    dirname(file),
    `.${basename(file, extname(file))}.${randomUUID().slice(0, 8)}${extname(file)}`,
  );
  try {
    const before = await contentOf(file, tools);
    await copyFile(file, copy, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const { uid, gid } = await stat(file);
    await chown(copy, uid, gid);
    await write(copy, changes, tools.taglib);
    const after = await contentOf(copy, tools);
    if (after.audio !== before.audio) throw unwritable("its audio would not be the same any more");
    if (after.pictures !== before.pictures) throw unwritable("its pictures would not be the same any more");
    const wrong = differences(before.properties, after.properties, changes);
    if (wrong.length > 0) throw unwritable(`this kind of file would not keep ${wrong.join(", ")}`);
    tools.signal.throwIfAborted();
    await settle(copy);
    await rename(copy, file);
  } finally {
    await rm(copy, { force: true });
  }
}

interface Content {
  /** Of the packets as they lie in the file, undecoded. */
  audio: string;
  pictures: string;
  properties: Properties;
}

async function contentOf(file: string, tools: TagTools): Promise<Content> {
  const [audio, rest] = await Promise.all([
    audioHash(file, tools),
    withTags(file, tools.taglib, (tags) => ({
      pictures: JSON.stringify(
        tags.getPictures().map(({ data, ...rest }) => [rest, Buffer.from(data).toString("base64")]),
      ),
      properties: tags.properties() as Properties,
    })),
  ]);
  return { audio, ...rest };
}

/** SHA-256 of the audio stream's packets, by ffmpeg: tags lie outside of them. */
async function audioHash(file: string, { ffmpeg, sandbox, signal }: TagTools): Promise<string> {
  const output = ["-map", "0:a:0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "pipe:1"];
  const command = [ffmpeg.ffmpeg, "-nostdin", "-v", "error", ...inputArguments(file), ...output];
  const limits = ffmpegLimits(HASH_TIMEOUT_MS);
  const run = await runChild(sandbox, {
    command,
    limits,
    timeoutMs: HASH_TIMEOUT_MS,
    maxStdoutBytes: 4_096,
    signal,
  });
  if (run.outcome === "succeeded" && run.stdout.includes("SHA256=")) return run.stdout.trim();
  throw unwritable(`its audio can't be read: ${withoutPath(run.stderr, file).trim() || run.outcome}`);
}

async function write(file: string, changes: readonly Change[], taglib: TagLib): Promise<void> {
  const tags = await taglib.open(file);
  try {
    // The names that aren't here are kept.
    tags.setProperties(Object.fromEntries(changes.map(({ name, after }) => [name, [...after]])));
    await tags.saveToFile(file);
  } finally {
    tags.dispose();
  }
}

/** Names that are not as they should be. One value in two frames is one. */
function differences(before: Properties, after: Properties, changes: readonly Change[]): string[] {
  const comparable = (properties: Properties) =>
    Object.entries(properties).map(
      ([name, values]) => [name.toUpperCase(), JSON.stringify([...new Set(values)])] as const,
    );
  const changed = Object.fromEntries(changes.map(({ name, after: values }) => [name, values]));
  const wanted = new Map([...comparable(before), ...comparable(changed)]);
  const there = new Map(comparable(after));
  return [...new Set([...wanted.keys(), ...there.keys()])].filter(
    (name) => wanted.get(name) !== there.get(name),
  );
}

async function withTags<T>(
  file: string,
  taglib: TagLib,
  read: (tags: Awaited<ReturnType<TagLib["open"]>>) => T,
): Promise<T> {
  const tags = await taglib.open(file).catch((error: unknown) => {
    throw unwritable(error instanceof Error ? error.message : String(error));
  });
  try {
    return read(tags);
  } finally {
    tags.dispose();
  }
}

async function settle(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(why: string): AppError {
  return new AppError("decode_failed", { message: `No tags were written: ${why}.` });
}
