import { newId } from "@earshot/shared/crypto/ids";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { claim, claimAndFinish, finish } from "../worker-stand-in.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

interface Job {
  id: string;
  status: string;
  tasks: { task: string; status: string }[];
}

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

/** A job's life over HTTP, the same in every runtime. */
export function describeJobs(open: OpenFrontDoor): void {
  describe("jobs", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const submit = (json: unknown = JOB, headers: Record<string, string> = {}) =>
      door.send("POST", "/v1/jobs", { json, headers });
    const submitted = async () => (await bodyOf(await submit())).id;

    test("a job that is accepted is durable, can be looked at, and is told to the workers", async () => {
      const response = await submit({ ...JOB, metadata: { album: "Blå" }, options: {} });
      expect(response.status).toBe(202);
      const job = await bodyOf<Job>(response);
      expect(response.headers.get("Location")).toBe(`/v1/jobs/${job.id}`);
      const [row] = await door.owner
        .sql`select status, to_json(tasks) as tasks, metadata from jobs where id = ${job.id}`;
      expect(row).toEqual({ status: "queued", tasks: JOB.tasks, metadata: { album: "Blå" } });
      expect(await bodyOf<Job>(await door.send("GET", `/v1/jobs/${job.id}`))).toEqual(job);
      expect(await door.heardJobIds()).toContain(job.id);
    });

    test("who waits is answered when the job ends", async () => {
      const id = await submitted();
      const lease = await claim(door.owner.db, id);
      const waiting = door.send("GET", `/v1/jobs/${id}?wait=20`);
      await finish(door.owner.db, lease);
      const job = await bodyOf<Job>(await waiting);
      expect(job).toMatchObject({ status: "succeeded", tasks: [{ task: "audio.features" }] });
      const result = await bodyOf<{ results: unknown[] }>(await door.send("GET", `/v1/jobs/${id}/result`));
      expect(result.results).toEqual([{ task: "audio.features", status: "succeeded", loudness_lufs: -23 }]);
    });

    test("who waits in vain is answered in time, with the job as it is", async () => {
      const id = await submitted();
      const startedAt = Date.now();
      expect(await bodyOf<Job>(await door.send("GET", `/v1/jobs/${id}?wait=1`))).toMatchObject({
        status: "queued",
      });
      expect(Date.now() - startedAt).toBeLessThan(10_000);
    });

    test("many wait for many jobs at once", async () => {
      const ids = await Promise.all(Array.from({ length: 5 }, submitted));
      const waiting = ids.map((id) => door.send("GET", `/v1/jobs/${id}?wait=20`));
      for (const id of ids) await claimAndFinish(door.owner.db, id);
      const answers = await Promise.all(waiting.map(async (answer) => bodyOf<Job>(await answer)));
      expect(answers.map(({ id, status }) => ({ id, status }))).toEqual(
        ids.map((id) => ({ id, status: "succeeded" })),
      );
    });

    test("a job that nobody changed answers 304 to who knows it", async () => {
      const path = `/v1/jobs/${await submitted()}`;
      const etag = (await door.send("GET", path)).headers.get("ETag") ?? "";
      expect((await door.send("GET", path, { headers: { "If-None-Match": etag } })).status).toBe(304);
    });

    test("a queued job is canceled at once, a running one is told, an ended one stays", async () => {
      const [queued, running, ended] = [await submitted(), await submitted(), await submitted()];
      await claim(door.owner.db, running);
      await claimAndFinish(door.owner.db, ended);
      const cancel = (id: string) => door.send("POST", `/v1/jobs/${id}/cancel`);
      const first = await cancel(queued);
      expect([first.status, (await bodyOf<Job>(first)).status]).toEqual([200, "canceled"]);
      const second = await cancel(running);
      expect([second.status, (await bodyOf<Job>(second)).status]).toEqual([202, "canceling"]);
      expect(await refusalOf(await cancel(ended))).toMatchObject({ status: 409, code: "conflict" });
    });

    test("a repeat under one Idempotency-Key gets the same bytes, another body is refused", async () => {
      const headers = { "Idempotency-Key": newId("job") };
      const first = await submit(JOB, headers);
      const again = await submit(JOB, headers);
      expect([again.status, again.headers.get("Idempotent-Replayed")]).toEqual([202, "true"]);
      expect(await again.text()).toBe(await first.text());
      expect(await refusalOf(await submit({ ...JOB, priority: "high" }, headers))).toMatchObject({
        status: 422,
        code: "idempotency_key_reused",
      });
    });

    test("of many at once under one key one job is made", async () => {
      const headers = { "Idempotency-Key": newId("job") };
      const answers = await Promise.all(Array.from({ length: 8 }, () => submit(JOB, headers)));
      const ids = await Promise.all(
        answers.filter(({ status }) => status === 202).map(async (answer) => (await bodyOf(answer)).id),
      );
      expect(new Set(ids).size).toBe(1);
      expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
    });
  });
}
