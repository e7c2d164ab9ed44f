import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { insertCalibration, useCalibration } from "@earshot/shared/db/calibrations";
import { openDatabase } from "@earshot/shared/db/database";
import { claimJob } from "@earshot/shared/db/jobs/claim-job";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import { createDecoder } from "./input/decoder.ts";
import { findFfmpeg } from "./input/ffmpeg.ts";
import { detectSandbox } from "./input/sandbox.ts";
import { scriptedInference } from "./tasks/music/testing/scripted-inference.ts";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";

/** Every head is this sure of its first class. */
const SURE = Math.fround(0.8);

const inference = scriptedInference(async (model) =>
  model === "msd-musicnn-1"
    ? {
        activations: { data: new Float32Array(50), dims: [1, 50] },
        embeddings: { data: new Float32Array(200), dims: [1, 200] },
      }
    : { activations: { data: Float32Array.of(SURE, 1 - SURE), dims: [1, 2] } },
);

test("a job is tagged by the calibration that its account has in use when it runs, and its result says which", async () => {
  await using stack = await startTestStack();
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-calibration-"));
  const worker = openDatabase({ url: stack.database.urls.worker, name: "test" });
  const owner = openDatabase({ url: stack.database.urls.owner, name: "test" });
  const sandbox = await detectSandbox();
  const options = {
    db: worker.db,
    blobs: await openBlobs(stack.blobs),
    decoder: createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox }),
    readTags: async () => ({}),
    versionsFor: async () => ({ versions: {}, gone: [] }),
    inference,
    policy: { allowLoopback: false },
    scratchRoot: directory,
    maxBytes: 1024 ** 2,
    maxAudioSeconds: 60,
    leaseSeconds: 5,
    log: silentLog,
    random: () => 0.5,
  };
  try {
    const file = await writeToneWav(join(directory, "tone.wav"), { seconds: 4, sampleRateHz: 16_000 });
    const analysed = async () => {
      const id = await stack.submit({ uploadId: await stack.upload(file), tasks: ["music.mood"] });
      const claim = await claimJob(worker.db, id, { workerId: "test", leaseSeconds: 5 });
      if (claim.outcome !== "claimed") throw new Error(`the job is ${claim.outcome}`);
      await analyze(claim, options, new AbortController().signal);
      const [result] = await stack.results(id);
      return JSON.parse(result?.body ?? "null") as { calibration: string; tags: { strict: string[] } };
    };
    const thresholds = { happy: { strict: 0.7, regular: 0.6, loose: 0.5 } };
    const made = (model: string, modelVersion: string, accountId = stack.accountId) =>
      insertCalibration(owner.db, accountId, { model, modelVersion, results: 50, thresholds });
    const set = (id: string, isActive: boolean) =>
      owner.db.transaction((tx) => useCalibration(tx, stack.accountId, { id, isActive }));

    const own = await made("msd-musicnn-1", "1");
    expect(await analysed()).toMatchObject({ calibration: "default-1", tags: { strict: [] } });
    await set(own.id, true);
    const tagged = await analysed();
    expect(tagged).toMatchObject({ calibration: own.id, tags: { strict: ["happy"] } });
    // Of a model that made other probabilities it says nothing.
    await set((await made("msd-musicnn-1", "2")).id, true);
    expect(await analysed()).toMatchObject({ calibration: "default-1", tags: { strict: [] } });
    await set(own.id, true);
    await set(own.id, false);
    expect(await analysed()).toMatchObject({ calibration: "default-1" });
    await expect(
      worker.db.transaction((tx) => useCalibration(tx, stack.accountId, { id: own.id, isActive: true })),
    ).rejects.toThrow();
  } finally {
    await worker.close();
    await owner.close();
    await rm(directory, { recursive: true });
  }
});
