import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReceiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import { runCli } from "./testing/run-cli.ts";

const RESULT = {
  task: "speech.transcription",
  status: "succeeded",
  language: "en",
  language_probability: 1,
  text: "Good morning everybody.",
  words: [
    { text: "Good", start: 1, end: 1.5, confidence: 1, speaker: "speaker_1" },
    { text: "morning", start: 1.5, end: 2, confidence: 1, speaker: "speaker_1" },
    { text: "everybody.", start: 2, end: 3, confidence: 1, speaker: "speaker_1" },
  ],
  utterances: [{ text: "Good morning everybody.", start: 1, end: 3, confidence: 1, speaker: "speaker_1" }],
};

test("a job's transcript is printed as subtitles within the limits", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(RESULT) });
  const args = ["transcript", "job_1", "--format", "srt", "--max-line-characters", "24", "--url", api.url];
  expect(await runCli(args, { env: { EARSHOT_API_KEY: "ek_1" } })).toEqual({
    status: 0,
    stdout: "1\n00:00:01,000 --> 00:00:03,000\nspeaker_1: Good morning\neverybody.\n",
    stderr: "",
  });
  expect(api.requests.map(({ path }) => path)).toEqual(["/v1/jobs/job_1/result/speech.transcription"]);
});

test("so is what analyze printed; a task that failed says why", async () => {
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-transcript-"));
  const source = join(directory, "talk.json");
  await writeFile(source, JSON.stringify({ results: [RESULT] }));
  expect((await runCli(["transcript", source])).stdout).toBe("speaker_1: Good morning everybody.\n");
  const failed = {
    task: RESULT.task,
    status: "failed",
    error: { code: "model_unavailable", message: "No model." },
  };
  await writeFile(source, JSON.stringify({ results: [failed] }));
  expect(await runCli(["transcript", source])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("speech.transcription failed: No model.") as string,
  });
  await rm(directory, { recursive: true });
});

test("a limit of 0 is wrong usage", async () => {
  const run = await runCli(["transcript", "job_1", "--max-lines", "0"], { env: { EARSHOT_API_KEY: "ek_1" } });
  expect(run.status).toBe(2);
  expect(run.stderr).toContain("--max-lines");
});
