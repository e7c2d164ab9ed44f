import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReceiver } from "@earshot/testkit/receiver";
import { parseMidi } from "midi-file";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "./testing/run-cli.ts";

const RESULT = {
  task: "music.notes",
  status: "succeeded",
  notes: [{ start: 0.5, end: 1, pitch: 60, velocity: 90, amplitude: 0.7 }],
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-test-midi-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function keysIn(file: string): Promise<number[]> {
  const { tracks } = parseMidi(await readFile(file));
  return tracks.flat().flatMap((event) => (event.type === "noteOn" ? [event.noteNumber] : []));
}

test("a job's notes become a MIDI file", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(RESULT) });
  const out = join(directory, "job.mid");
  const run = await runCli(["midi", "job_1", "--out", out, "--url", api.url], {
    env: { EARSHOT_API_KEY: "ek_1" },
  });
  expect(run).toEqual({ status: 0, stdout: `${out}: 1 notes\n`, stderr: "" });
  expect(api.requests.map(({ path }) => path)).toEqual(["/v1/jobs/job_1/result/music.notes"]);
  expect(await keysIn(out)).toEqual([60]);
});

test("so does what analyze printed; a file without notes says so", async () => {
  const [source, out] = [join(directory, "song.json"), join(directory, "song.mid")];
  await writeFile(source, JSON.stringify({ input: {}, results: [{ task: "music.tags" }, RESULT] }));
  expect((await runCli(["midi", source, "--out", out, "--json"])).stdout).toBe(
    `${JSON.stringify({ file: out, notes: 1 })}\n`,
  );
  expect(await keysIn(out)).toEqual([60]);
  await writeFile(source, JSON.stringify({ results: [] }));
  expect(await runCli(["midi", source, "--out", out])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("no result of music.notes") as string,
  });
  await writeFile(source, "{");
  expect((await runCli(["midi", source])).status).toBe(2);
});
