import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expectNoProcess, findByCommand, findDescendants } from "@earshot/testkit/processes";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runCli, SAMPLE, spawnCli } from "./testing/run-cli.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-cli-"));
  await writeFile(join(directory, "text.mp3"), "This is not audio.\n");
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const analyze = (...args: string[]) => runCli(["analyze", ...args, "--json"], { cwd: directory });

test("--json prints the result of each task on stdout, and nothing else anywhere", async () => {
  const run = await analyze(SAMPLE, "--tasks", "audio.features,speech.segments");
  expect(run).toMatchObject({ status: 0, stderr: "" });
  expect(jsonLines(run)).toEqual([
    {
      input: {
        duration_seconds: 12.5,
        codec: "flac",
        channels: 2,
        sample_rate: 44_100,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        tags: expect.any(Object),
      },
      results: [
        expect.objectContaining({
          task: "audio.features",
          status: "succeeded",
          loudness_lufs: expect.any(Number),
        }),
        expect.objectContaining({
          task: "speech.segments",
          status: "succeeded",
          speech_seconds: expect.any(Number),
        }),
      ],
    },
  ]);
});

test("several files give one line each in their order, a bad one among them an error and status 1", async () => {
  const run = await analyze("missing.wav", SAMPLE, "text.mp3", "--tasks", "audio.features");
  expect(run.status).toBe(1);
  expect(jsonLines(run)).toMatchObject([
    {
      error: {
        code: "input_unreachable",
        message: "There is no file missing.wav.",
        detail: { file: "missing.wav" },
      },
    },
    { results: [{ task: "audio.features" }] },
    { error: { code: "unsupported_media", detail: { file: "text.mp3" } } },
  ]);
});

test("options reach their task", async () => {
  const options = JSON.stringify({ "speech.segments": { probabilities: true } });
  const [line] = jsonLines(await analyze(SAMPLE, "--tasks", "speech.segments", "--options", options));
  expect(line).toMatchObject({ results: [{ task: "speech.segments", probabilities: expect.any(Array) }] });
});

test.each([
  ["an unknown task", ["analyze", "a.wav", "--tasks", "no.task"], 'There is no task "no.task"'],
  [
    "an option out of its range",
    ["analyze", "a.wav", "--options", '{"speech.segments":{"threshold":7}}'],
    "threshold",
  ],
  ["options that are no JSON", ["analyze", "a.wav", "--options", "{"], "--options is not valid JSON."],
  ["an unknown flag", ["analyze", "a.wav", "--fast"], "unknown option '--fast'"],
  ["no file at all", ["analyze"], "missing required argument 'file'"],
  ["an unknown command", ["analyse", "a.wav"], "unknown command 'analyse'"],
])("%s is wrong usage: status 2, and the error is the JSON on stdout", async (_, args, message) => {
  const run = await runCli([...args, "--json"]);
  expect(run.status).toBe(2);
  expect(jsonLines(run)).toMatchObject([
    { error: { code: "validation_failed", message: expect.stringContaining(message) } },
  ]);
});

test("a model that was tampered with is refused: that task fails and the status is 3", async () => {
  await copyFile(join(directory, "text.mp3"), join(directory, "silero_vad.onnx"));
  const run = await runCli(["analyze", SAMPLE, "--tasks", "audio.features,speech.segments", "--json"], {
    env: { EARSHOT_MODELS_DIR: directory },
  });
  expect(run.status).toBe(3);
  expect(jsonLines(run)).toMatchObject([
    { results: [{ status: "succeeded" }, { status: "failed", error: { code: "model_unavailable" } }] },
  ]);
});

test("without --json a person reads a summary, and errors are on stderr", async () => {
  const good = await runCli(["analyze", SAMPLE]);
  expect(good).toMatchObject({ status: 0, stderr: "" });
  expect(good.stdout).toMatch(/loudness +-\d+\.\d LUFS[^]*speech +\d+\.\d\d s \(\d+ %\)/);
  const bad = await runCli(["analyze", "missing.wav"]);
  expect(bad).toEqual({ status: 1, stdout: "", stderr: "missing.wav: There is no file missing.wav.\n" });
});

test("Ctrl-C in the middle ends it with status 130 and leaves no process", async () => {
  const long = join(directory, "long.flac");
  const noise = ["-f", "lavfi", "-i", "sine=frequency=200:duration=3600:sample_rate=8000"];
  await promisify(execFile)("ffmpeg", ["-v", "error", ...noise, long]);
  const child = spawnCli(["analyze", long, "--json"]);
  const exited = once(child, "exit");
  const decoder = await until(
    async () => (await findDescendants(child.pid ?? 0)).find(({ command }) => /ffmpeg .*pipe:/.test(command)),
    { describe: "the decoder" },
  );
  const left = [decoder.pid, ...(await findDescendants(child.pid ?? 0)).map(({ pid }) => pid)];
  child.kill("SIGINT");
  expect(await exited).toEqual([130, null]);
  await expectNoProcess(async () => (await findByCommand("")).filter(({ pid }) => left.includes(pid)));
});

test("a reader who has had enough is no error", async () => {
  const child = spawnCli(["analyze", SAMPLE, "--json", "--tasks", "audio.features"]);
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => void (stderr += chunk.toString()));
  expect(await once(child, "close")).toEqual([0, null]);
  expect(stderr).toBe("");
});
