import { gzipped, sealedResult } from "../sealed-result.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { claimAndFinish } from "../worker-stand-in.ts";
import type { FrontDoor, ResultRoom } from "./front-door.ts";

const SAID = { task: "speech.segments", status: "succeeded", segments: [{ start: 0.5, end: 1.25 }] };

/** Longer than a chunk of a sealed stream, zipped. */
const LONG = {
  ...SAID,
  // The digits of these are as good as random, and do not compress.
  probabilities: Array.from({ length: 60_000 }, (_, index) => Math.abs(Math.sin(index * index))),
};

/** Results of speech, as a worker seals them, opened for whoever may read them. */
export function describeSealedResults(open: () => Promise<FrontDoor & ResultRoom>): void {
  describe("sealed results", () => {
    let door: FrontDoor & ResultRoom;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const submitted = async () => {
      const json = { input: { url: "https://example.com/a.wav" }, tasks: ["speech.segments"] };
      return (await bodyOf(await door.send("POST", "/v1/jobs", { json }))).id;
    };

    async function ended(result: object, { inBlob }: { inBlob: boolean }): Promise<string> {
      const id = await submitted();
      const stored = await sealedResult(door, id, JSON.stringify(result), inBlob);
      await claimAndFinish(door.owner.db, id, { results: [stored] });
      return id;
    }

    const taskResult = (id: string, headers: Record<string, string> = {}) =>
      door.send("GET", `/v1/jobs/${id}/result/speech.segments`, { headers });

    test("a small one lies sealed in its row, and is given open", async () => {
      const id = await ended(SAID, { inBlob: false });
      const [row] = await door.owner.sql`select body, key_id from task_results where job_id = ${id}`;
      expect(row?.["body"]).not.toContain("segments");
      expect(await (await taskResult(id)).text()).toBe(JSON.stringify(SAID));
      const all = await bodyOf<{ results: unknown[] }>(await door.send("GET", `/v1/jobs/${id}/result`));
      expect(all.results).toEqual([SAID]);
    });

    test("a large one lies sealed in its blob, and is opened chunk by chunk as it goes out", async () => {
      const id = await ended(LONG, { inBlob: true });
      expect(gzipped(JSON.stringify(LONG)).byteLength).toBeGreaterThan(3 * 65_536);
      expect(await (await taskResult(id, { "Accept-Encoding": "identity" })).json()).toEqual(LONG);
      const zipped = await taskResult(id, { "Accept-Encoding": "gzip" });
      // Some runtimes unzip what they fetch.
      expect(await zipped.text().then((text) => text.length)).toBeGreaterThan(0);
      const all = await bodyOf<{ results: { probabilities: number[] }[] }>(
        await door.send("GET", `/v1/jobs/${id}/result`),
      );
      expect(all.results[0]?.probabilities.length).toBeLessThanOrEqual(3_600);
    });

    test("one that was moved to another job does not open, and nothing of it is told", async () => {
      const [from, to] = [await ended(SAID, { inBlob: false }), await ended(SAID, { inBlob: false })];
      await door.owner.sql`
        update task_results t set body = f.body, sealed_key = f.sealed_key
        from task_results f where f.job_id = ${from} and t.job_id = ${to}`;
      expect(await refusalOf(await taskResult(to))).toMatchObject({ status: 500, code: "internal" });
    });
  });
}
