import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { openDatabase } from "@earshot/shared/db/database";
import { claimFromTable } from "@earshot/shared/db/jobs/claim-job";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import { createDecoder } from "./input/decoder.ts";
import { findFfmpeg } from "./input/ffmpeg.ts";
import { detectSandbox } from "./input/sandbox.ts";
import { scriptedInference } from "./tasks/music/testing/scripted-inference.ts";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";

test("a job's embedding is in its result as the model gave it, and in the database with length 1", async () => {
  await using stack = await startTestStack();
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-embeddings-"));
  const { db, close } = openDatabase({ url: stack.database.urls.worker, name: "test" });
  const sandbox = await detectSandbox();
  const embedding = Float32Array.from({ length: 200 }, (_, i) => (i === 7 ? 3 : 0) - (i === 9 ? 4 : 0));
  try {
    const file = await writeToneWav(join(directory, "tone.wav"), { seconds: 4, sampleRateHz: 16_000 });
    const id = await stack.submit({ uploadId: await stack.upload(file), tasks: ["music.embedding"] });
    await stack.sql`update jobs set claimable_at = now() - interval '1 second' where id = ${id}`;
    const [claimed] = await claimFromTable(db, 1, { workerId: "test", leaseSeconds: 5 });
    if (claimed === undefined) throw new Error("the job was not claimed");
    const options = {
      db,
      blobs: await openBlobs(stack.blobs),
      decoder: createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox }),
      readTags: async () => ({}),
      versionsFor: async () => ({ versions: {}, gone: [] }),
      inference: scriptedInference(async () => ({
        activations: { data: new Float32Array(50), dims: [1, 50] },
        embeddings: { data: embedding, dims: [1, 200] },
      })),
      policy: { allowLoopback: false },
      scratchRoot: directory,
      maxBytes: 1024 ** 2,
      maxAudioSeconds: 60,
      leaseSeconds: 5,
      log: silentLog,
      random: () => 0.5,
    };
    await analyze(claimed, options, new AbortController().signal);

    const space = "msd-musicnn-1@a04600b137c6";
    const [result] = await stack.results(id);
    expect(JSON.parse(result?.body ?? "null")).toMatchObject({ space, vector: [...embedding] });
    const [stored, ...others] =
      await stack.sql`select *, to_json(vec) as vec from embeddings where job_id = ${id}`;
    expect(others).toEqual([]);
    expect(stored).toMatchObject({ account_id: stack.accountId, space });
    expect(stored?.["vec"]).toHaveLength(200);
    expect(stored?.["vec"]).toMatchObject({ 6: 0, 7: expect.closeTo(0.6), 9: expect.closeTo(-0.8) });
  } finally {
    await close();
    await rm(directory, { recursive: true });
  }
});
