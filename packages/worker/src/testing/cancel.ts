import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { startTestStack } from "./test-stack.ts";
import type { TestStack } from "./test-stack.ts";
import { startWorkerProcess } from "./worker-process.ts";

const run = promisify(execFile);
const SPEECH = fileURLToPath(new URL("../../../../samples/hello-earshot.flac", import.meta.url));
const LEASE_SECONDS = 40;

/** As `holdLease` beats. */
const BEAT_SECONDS = LEASE_SECONDS / 4;

interface Cancellation {
  /** From the request to cancel until the job is canceled and its lane has no call. */
  seconds: number;
  /** Lanes before and after. */
  lanes: [number[], number[]];
  /** What the lane says of the same speech before, and next. */
  before: string | null;
  next: string | null;
}

/** The test of a job of so many hours. */
export function testCancelOf(hours: number): void {
  test(`a job of ${hours} h that is canceled leaves its lane within one beat, and the lane's next job is right`, async () => {
    await using stack = await startTestStack();
    const directory = await mkdtemp(join(tmpdir(), "earshot-test-cancel-"));
    try {
      const { seconds, lanes, before, next } = await cancelLongJob(stack, { directory, hours });
      expect(seconds).toBeLessThan(BEAT_SECONDS);
      expect(lanes[1]).toEqual(lanes[0]);
      expect(before).toContain('"segments":[{');
      expect(next).toBe(before);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 180_000);
}

/** Cancels a job of so many hours in the middle of its model's runs, and gives its lane another one. */
async function cancelLongJob(
  stack: TestStack,
  { directory, hours }: { directory: string; hours: number },
): Promise<Cancellation> {
  const [speech, long] = [
    await stack.upload(SPEECH),
    await stack.upload(await writeSilence(directory, hours)),
  ];
  await using worker = await startWorkerProcess(stack, {
    EARSHOT_LEASE_SECONDS: String(LEASE_SECONDS),
    EARSHOT_MAX_AUDIO_SECONDS: String(11 * 3_600),
  });
  const tasks = ["speech.segments" as const];
  const resultOf = async (uploadId: string) => {
    const id = await stack.submitAndRing({ uploadId, tasks });
    await stack.stateOf(id, ["succeeded"]);
    const [result] = await stack.results(id);
    return result?.body ?? null;
  };
  const lanes = async () =>
    (await worker.children()).filter(({ command }) => command.includes("lane.main")).map(({ pid }) => pid);

  const before = await resultOf(speech);
  const lanesBefore = await lanes();
  const id = await stack.submitAndRing({ uploadId: long, tasks });
  const isInferring = async () =>
    (await worker.status()).jobs.some(({ stage, fraction }) => stage === "inferring" && fraction > 0);
  await until(isInferring, { timeoutMs: 60_000, describe: "the model to be at work" });

  const canceledAt = performance.now();
  await cancelJob(stack.db, stack.accountId, id);
  const isFree = async () =>
    (await stack.job(id)).status === "canceled" && (await worker.status()).lanes.busy === 0;
  await until(isFree, { timeoutMs: 60_000, describe: "the lane to be free" });
  const seconds = (performance.now() - canceledAt) / 1_000;
  return { seconds, lanes: [lanesBefore, await lanes()], before, next: await resultOf(speech) };
}

/** About 12 bytes for each second. */
async function writeSilence(directory: string, hours: number): Promise<string> {
  const file = join(directory, `silence-${hours}.flac`);
  const source = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", String(hours * 3_600)];
  await run("ffmpeg", ["-v", "error", "-y", ...source, "-c:a", "flac", "-frame_size", "9000", file]);
  return file;
}
