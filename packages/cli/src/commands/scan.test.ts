import { once } from "node:events";
import { createInterface } from "node:readline";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toneWav } from "@earshot/testkit/chaos/tone";
import { parseFile } from "music-metadata";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePort } from "../stack/postgres-port.ts";
import { jsonLines, runCli, SAMPLE, spawnCli } from "./testing/run-cli.ts";
import type { CliRun } from "./testing/run-cli.ts";
import { spawnUp } from "./testing/up.ts";
import type { Up } from "./testing/up.ts";

let directory: string;
let library: string;
let env: Record<string, string>;
let up: Up;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-scan-"));
  // Root's Postgres runs as somebody else, who has to pass.
  await chmod(directory, 0o711);
  library = join(directory, "library");
  env = {
    EARSHOT_HOME: join(directory, "home"),
    EARSHOT_PORT: String(await findFreePort()),
    EARSHOT_LANES: "1",
  };
  up = spawnUp(env);
  await up.serving();
});

afterAll(async () => {
  await up.end("SIGTERM");
  await rm(directory, { recursive: true, force: true });
});

const scan = (root: string, ...args: string[]) =>
  runCli(["scan", root, "--tasks", "speech.segments", ...args], { env });

interface Line {
  path: string;
  status: string;
  by: string;
  job_id: string | null;
  error: { code: string } | null;
}

async function scanned(root: string, ...args: string[]): Promise<Record<string, Line>> {
  const lines = jsonLines(await scan(root, "--json", ...args)) as Line[];
  return Object.fromEntries(lines.map((line) => [line.path, line]));
}

async function countJobs(): Promise<number> {
  const [page] = jsonLines(await runCli(["jobs", "list", "--json", "--limit", "100"], { env })) as [
    { data: unknown[] },
  ];
  return page.data.length;
}

async function journalFile(): Promise<string> {
  const [name = ""] = await readdir(join(directory, "home", "scans"));
  return join(directory, "home", "scans", name, "journal");
}

test("each file is analysed once, whatever it is called; what is broken is told, and the others go on", async () => {
  await mkdir(join(library, "b", ".hidden"), { recursive: true });
  await writeFile(join(library, "a.wav"), toneWav(1));
  await writeFile(join(library, "b", "tone.WAV"), toneWav(1.1));
  await copyFile(join(library, "a.wav"), join(library, "b", "twin.wav"));
  await writeFile(join(library, "broken.mp3"), Buffer.alloc(4_096, 7));
  await writeFile(join(library, "notes.txt"), "no audio");
  await writeFile(join(library, "b", ".hidden", "c.wav"), toneWav(1.2));
  const jobsBefore = await countJobs();

  const plan = await scan(library, "--dry-run");
  expect(plan.stdout.trim().split("\n")).toEqual(["a.wav", "b/tone.WAV", "b/twin.wav", "broken.mp3"]);
  expect(plan.stderr).toContain("4 of 4 files would be read");
  expect(await countJobs()).toBe(jobsBefore);

  const lines = await scanned(library, "--parallel", "1");
  expect(lines).toMatchObject({
    "a.wav": { status: "succeeded", by: "analysed", error: null },
    "b/tone.WAV": { status: "succeeded", by: "analysed" },
    "b/twin.wav": { status: "succeeded", by: "same", job_id: lines["a.wav"]?.job_id },
    "broken.mp3": { status: "failed", by: "analysed" },
  });
  expect(lines["broken.mp3"]?.error?.code).toMatch(/unsupported|decode_failed|validation_failed|no_audio/);
});

test("what has not changed is not sent again, and a new date alone is no change", async () => {
  const jobs = await countJobs();
  await utimes(join(library, "a.wav"), 1, 1);
  const again = await scan(library);
  expect(again.stdout).toBe(
    "4 files: 0 analysed, 0 with the bytes of another, 4 unchanged; 1 with an error\n",
  );
  expect(again.status).toBe(1);
  expect(await countJobs()).toBe(jobs);

  await writeFile(join(library, "a.wav"), toneWav(1.3));
  expect(await scanned(library)).toMatchObject({
    "a.wav": { by: "analysed", status: "succeeded" },
    "b/twin.wav": { by: "unchanged" },
  });
  expect(await countJobs()).toBe(jobs + 1);
});

test("other tasks are another question", async () => {
  const run = await runCli(["scan", library, "--tasks", "audio.features", "--dry-run"], { env });
  expect(run.stderr).toContain("4 of 4 files would be read");
});

test("who is killed between two steps goes on with the same job", async () => {
  const jobs = await countJobs();
  const journal = await journalFile();
  const lines = (await readFile(journal, "utf8")).trim().split("\n");
  const last = JSON.parse(lines.find((line) => line.includes('"a.wav"')) ?? "") as Record<string, unknown>;
  const others = lines.filter((line) => !line.includes('"a.wav"'));
  for (const state of ["uploaded", "submitted"]) {
    // With half of a line at the end, as a crash leaves it.
    await writeFile(journal, [...others, JSON.stringify({ ...last, state }), '{"path": "a.w'].join("\n"));
    expect(await scanned(library)).toMatchObject({
      "a.wav": { by: "analysed", status: "succeeded", job_id: last["jobId"] },
    });
  }
  expect(await countJobs()).toBe(jobs);
});

test("what was found is exported, chosen by conditions, and written into the files; the next scan has nothing to do", async () => {
  const songs = join(directory, "songs");
  await mkdir(songs);
  const song = join(songs, "a, song.flac");
  await copyFile(SAMPLE, song);
  await writeFile(join(songs, "tone.wav"), toneWav(1.4));
  const features = (...args: string[]) =>
    runCli(["scan", songs, "--tasks", "audio.features", ...args], { env });
  expect((await features()).status).toBe(0);

  const [head = "", ...rows] = (await runCli(["export", songs], { env })).stdout.trim().split("\n");
  expect(rows.map((row) => row.split(/,(?=\S)/)[0])).toEqual(['"a, song.flac"', "tone.wav"]);
  expect(head.split(",")).toEqual(expect.arrayContaining(["path", "tempo_bpm", "loudness_lufs", "moods"]));
  const list = join(directory, "loud.m3u8");
  const chosen = ["--where", "duration_seconds>10", "--where", "key=F"];
  await runCli(["export", songs, "--format", "m3u", ...chosen, "--out", list], { env });
  expect((await readFile(list, "utf8")).trim().split("\n")).toEqual([
    "#EXTM3U",
    expect.stringMatching(/^#EXTINF:1[23],/),
    "songs/a, song.flac",
  ]);
  const wrong = await runCli(["export", songs, "--where", "loud"], { env });
  expect(wrong).toMatchObject({ status: 2, stdout: "" });

  const before = await readFile(song);
  const write = (...args: string[]) =>
    runCli(["tags", "write", songs, "--fields", "bpm,key", ...args], { env });
  const plan = await write();
  expect(plan.stdout).toMatch(/a, song\.flac\n  BPM: 120\n  INITIALKEY: F\n/);
  expect(plan.stderr).toContain("nothing was changed");
  expect((await readFile(song)).equals(before)).toBe(true);

  expect((await write("--apply")).status).toBe(0);
  const { common, native } = await parseFile(song);
  expect(common.bpm).toBe(120);
  expect(native["vorbis"]).toContainEqual({ id: "INITIALKEY", value: "F" });
  expect((await write("--apply")).stdout).not.toContain("a, song.flac");
  expect((await features()).stdout).toContain("2 unchanged");
});

test("a second scan of the same library is refused; Ctrl-C ends the first, and the same command does the rest", async () => {
  const many = join(directory, "many");
  await mkdir(many);
  const names = Array.from({ length: 6 }, (_, i) => `${i}.wav`);
  for (const [i, name] of names.entries()) await writeFile(join(many, name), toneWav(2 + i / 10));
  const jobs = await countJobs();
  const first = spawnCli(["scan", many, "--tasks", "speech.segments", "--parallel", "1", "--json"], { env });
  const exited = once(first, "exit");
  let done = 0;
  let other: Promise<CliRun> | undefined;
  for await (const line of createInterface(first.stdout)) {
    if ("path" in (JSON.parse(line) as object)) done += 1;
    if (done === 1) other ??= scan(many);
    if (done === 2) {
      expect(await other).toMatchObject({
        status: 3,
        stderr: expect.stringContaining("is being scanned by"),
      });
      first.kill("SIGINT");
    }
  }
  expect(await exited).toEqual([130, null]);
  expect(done).toBeLessThan(6);
  const rest = await scanned(many);
  expect(Object.keys(rest)).toEqual(expect.arrayContaining(names));
  expect(Object.values(rest).filter(({ by }) => by === "unchanged").length).toBeGreaterThanOrEqual(2);
  expect(await countJobs()).toBe(jobs + 6);
});

test("a key that is none, or a directory that is not there, ends it with a clear error", async () => {
  const other = await runCli(["scan", library, "--tasks", "speech.segments", "--retry-failed"], {
    env: { ...env, EARSHOT_API_KEY: "ek_no_such" },
  });
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/of 4 are done; the same command goes on/);
  const missing = await scan(join(directory, "nowhere"));
  expect(missing.status).toBe(1);
  expect(missing.stderr).toContain("There is no directory");
});
