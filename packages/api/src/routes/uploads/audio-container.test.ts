import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";

/** ffmpeg's arguments for a file in each format that it can write. */
const WRITTEN: Record<string, string> = {
  "tagged.mp3": "-c:a libmp3lame -id3v2_version 4 -metadata title=x",
  "bare.mp3": "-c:a libmp3lame -id3v2_version 0 -write_xing 0",
  "low-rate.mp3": "-c:a libmp3lame -ar 11025 -b:a 8k -id3v2_version 0",
  "layer2.mp2": "-c:a mp2",
  "a.flac": "-c:a flac",
  "vorbis.ogg": "-c:a libvorbis",
  "opus.ogg": "-c:a libopus",
  "a.wav": "-c:a pcm_s16le",
  "rf64.wav": "-c:a pcm_s16le -rf64 always",
  "a.w64": "-c:a pcm_s16le",
  "a.m4a": "-c:a aac",
  "alac.m4a": "-c:a alac",
  "a.mov": "-c:a pcm_s16le",
  "fragments.mp4": "-c:a aac -movflags frag_keyframe+empty_moov",
  "a.mka": "-c:a flac",
  "a.webm": "-c:a libopus",
  "a.aiff": "-c:a pcm_s16be",
  "a.wma": "-c:a wmav2 -f asf",
  "a.wv": "-c:a wavpack",
  "a.aac": "-c:a aac -f adts",
  "a.ac3": "-c:a ac3",
  "a.eac3": "-c:a eac3",
  "a.tta": "-c:a tta",
  "a.caf": "-c:a pcm_s16le",
};

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Formats that ffmpeg reads and does not write, by how their specifications have them begin. */
const SPECIFIED: Record<string, Uint8Array<ArrayBuffer>> = {
  "a.ape": latin1("MAC \x96\x0f\0\0\x34\0\0\0"),
  "stream7.mpc": latin1("MP+\x07\x10\0\0\0"),
  "stream8.mpc": latin1("MPCKSH\x0f\0\0\0\0"),
  "a.dsf": latin1("DSD \x1c\0\0\0\0\0\0\0"),
  "a.amr": latin1("#!AMR\n\x3c\x91\x17\x16"),
  "wide.amr": latin1("#!AMR-WB\n\x44\x10"),
  "padded.mp3": latin1("\0\0\0\0\xff\xfb\x90\x64"),
};

const REFUSED: Record<string, Uint8Array<ArrayBuffer>> = {
  text: latin1("These are the words of a song, and no more than that."),
  "text in UTF-16": latin1("\xff\xfew\0o\0r\0d\0s\0"),
  "a page": latin1("<!DOCTYPE html><p>Not found.</p>"),
  "a playlist": latin1("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
  "a list of files for ffmpeg": latin1("ffconcat version 1.0\nfile /etc/passwd\n"),
  "a stream's manifest": latin1('<?xml version="1.0"?><MPD></MPD>'),
  "a zip": latin1("PK\x03\x04\x14\0\0\0\x08\0"),
  "a gzip": new Uint8Array(gzipSync("RIFF....WAVE")),
  "a program of Linux": latin1("\x7fELF\x02\x01\x01\0"),
  "a program of Windows": latin1("MZ\x90\0\x03\0\0\0"),
  "a script": latin1("#!/bin/sh\nexit 0\n"),
  "a document": latin1("%PDF-1.7\n"),
  "a picture": latin1("\xff\xd8\xff\xe0\0\x10JFIF"),
  "another picture": latin1("\x89PNG\r\n\x1a\n"),
  "video of RIFF": latin1("RIFF\0\0\0\0AVI LIST"),
  "an FLV": latin1("FLV\x01\x05\0\0\0\x09"),
  zeros: new Uint8Array(64),
  "one byte": latin1("f"),
  "MPEG audio of a bit rate that doesn't exist": latin1("\xff\xfb\xf0\x64"),
};

let api: ApiUnderTest;
let directory: string;
const files = new Map<string, Uint8Array<ArrayBuffer>>(Object.entries(SPECIFIED));

beforeAll(async () => {
  [api, directory] = await Promise.all([startApi(), mkdtemp(join(tmpdir(), "earshot-test-containers-"))]);
  const outputs = Object.entries(WRITTEN).flatMap(([name, args]) => [
    "-map",
    "0:a",
    ...args.split(" "),
    join(directory, name),
  ]);
  const source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=0.3"];
  await promisify(execFile)("ffmpeg", ["-nostdin", "-v", "error", ...source, ...outputs]);
  for (const name of Object.keys(WRITTEN))
    files.set(name, new Uint8Array(await readFile(join(directory, name))));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function upload(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const json = { filename: "a", content_type: "audio/mpeg", size: body.byteLength };
  const announced = await bodyOf<{ id: string; put_url: string; headers: Record<string, string> }>(
    await api.send("POST", "/v1/uploads", { json }),
  );
  const headers = { ...announced.headers, Authorization: null };
  expect((await api.send("PUT", announced.put_url, { body, headers })).status).toBe(200);
  return announced.id;
}

function submitForm(body: Uint8Array<ArrayBuffer>): Promise<Response> {
  const form = new FormData();
  form.append("file", new File([body], "a.mp3", { type: "audio/mpeg" }));
  form.append("job", JSON.stringify({ tasks: ["audio.features"] }));
  const { body: bytes, headers } = new Response(form);
  return api.send("POST", "/v1/jobs", {
    body: bytes ?? "",
    headers: { "Content-Type": headers.get("Content-Type") },
  });
}

const complete = (id: string) => api.send("POST", `/v1/uploads/${id}/complete`);

describe.for([...Object.keys(WRITTEN), ...Object.keys(SPECIFIED)])("%s", (name) => {
  test("is taken, as an upload and in a form", async () => {
    const file = files.get(name) ?? new Uint8Array();
    expect((await complete(await upload(file))).status).toBe(200);
    expect((await submitForm(file)).status).toBe(202);
  });
});

describe.for(Object.entries(REFUSED))("%s", ([, file]) => {
  test("is refused, as an upload, by a job that names it, and in a form", async () => {
    const refused = { status: 422, code: "unsupported_media" };
    const id = await upload(file);
    expect(await refusalOf(await complete(id))).toEqual({ ...refused, pointers: ["/path/id"] });
    const json = { input: { upload_id: id }, tasks: ["audio.features"] };
    expect(await refusalOf(await api.send("POST", "/v1/jobs", { json }))).toEqual({
      ...refused,
      pointers: ["/input/upload_id"],
    });
    expect(await refusalOf(await submitForm(file))).toEqual({ ...refused, pointers: ["/file"] });
  });
});
