import { beat } from "@earshot/shared/db/jobs/beat";
import { returnToQueue } from "@earshot/shared/db/jobs/end-attempt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { allEvents, readEvents } from "../read-events.ts";
import type { HeardEvent } from "../read-events.ts";
import { claim, claimAndFinish, finish } from "../worker-stand-in.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const shortly = ({ id, event }: HeardEvent) => `${event} ${id}`;

/** A job followed by server-sent events, the same in every runtime. */
export function describeEvents(open: OpenFrontDoor): void {
  describe("the events of a job", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const submitted = async () => (await bodyOf(await door.send("POST", "/v1/jobs", { json: JOB }))).id;
    const listen = (id: string, lastEventId?: string, signal?: AbortSignal) =>
      door.send("GET", `/v1/jobs/${id}/events`, {
        headers: { "Last-Event-ID": lastEventId ?? null },
        ...(signal && { signal }),
      });

    test("are heard as they happen: states, progress, and the end with the job, which closes the stream", async () => {
      const id = await submitted();
      const response = await listen(id);
      expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      const heard: HeardEvent[] = [];
      const { db } = door.owner;
      let lease: Awaited<ReturnType<typeof claim>> | null = null;
      for await (const event of readEvents(response)) {
        heard.push(event);
        if (event.id === "0-queued") lease = await claim(db, id);
        if (event.id === "1-running" && lease)
          await beat(db, lease, { leaseSeconds: 60, progress: { stage: "decoding", fraction: 0.25 } });
        if (event.data.stage === "decoding" && lease) await finish(db, lease);
      }
      expect(heard.map(shortly)).toEqual([
        "status 0-queued",
        "status 1-running",
        "progress 1-running:claimed:0",
        "progress 1-running:decoding:0.25",
        "end 1-succeeded",
      ]);
      expect(heard[3]?.data).toEqual({ stage: "decoding", fraction: 0.25, attempt: 1 });
      expect(heard[4]?.data).toEqual(await bodyOf(await door.send("GET", `/v1/jobs/${id}`)));
    });

    test("that happened before are told first, each attempt of them", async () => {
      const id = await submitted();
      const { db } = door.owner;
      await returnToQueue(db, await claim(db, id), { outcome: "handed_back", delaySeconds: 0 });
      await claimAndFinish(db, id);
      const heard = await allEvents(await listen(id));
      expect(heard.map(shortly)).toEqual([
        "status 0-queued",
        "status 1-running",
        "status 1-queued",
        "status 2-running",
        "end 2-succeeded",
      ]);
      for (const { data } of heard.slice(0, -1)) expect(data.at).toMatch(/^\d{4}-.*Z$/);
    });

    test("go on after the last one that was heard, and 204 says that the end was", async () => {
      const id = await submitted();
      await claimAndFinish(door.owner.db, id);
      const after = async (last: string) => (await allEvents(await listen(id, last))).map(shortly);
      expect(await after("0-queued")).toEqual(["status 1-running", "end 1-succeeded"]);
      expect(await after("1-running:decoding:0.25")).toEqual(["end 1-succeeded"]);
      expect(await after("1-canceling")).toEqual(["end 1-succeeded"]);
      expect(await after("nonsense")).toEqual(["status 0-queued", "status 1-running", "end 1-succeeded"]);
      expect((await listen(id, "1-succeeded")).status).toBe(204);
    });

    test("of a job that is canceled are heard", async () => {
      const id = await submitted();
      const response = await listen(id);
      const heard: string[] = [];
      for await (const event of readEvents(response)) {
        heard.push(shortly(event));
        if (event.id === "0-queued") await door.send("POST", `/v1/jobs/${id}/cancel`);
      }
      expect(heard).toEqual(["status 0-queued", "end 0-canceled"]);
    });

    test("are heard by all who listen", async () => {
      const id = await submitted();
      const streams = await Promise.all(Array.from({ length: 10 }, () => listen(id)));
      const all = Promise.all(streams.map(allEvents));
      await claimAndFinish(door.owner.db, id);
      for (const heard of await all) expect(heard.at(-1)?.id).toBe("1-succeeded");
    });

    test("of another account's job, of no job, and of no id are a 404", async () => {
      const id = await submitted();
      const stranger = await door.addCaller();
      for (const [path, as] of [
        [`/v1/jobs/${id}/events`, stranger],
        ["/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/events", door.caller],
        ["/v1/jobs/nonsense/events", door.caller],
      ] as const) {
        expect(await refusalOf(await door.send("GET", path, { as }))).toMatchObject({
          status: 404,
          code: "not_found",
        });
      }
    });

    test("of a deleted job are gone", async () => {
      const id = await submitted();
      await claimAndFinish(door.owner.db, id);
      await door.send("DELETE", `/v1/jobs/${id}`);
      expect(await refusalOf(await listen(id))).toMatchObject({ status: 410, code: "gone" });
    });
  });
}
