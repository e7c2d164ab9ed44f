import type { JobStory } from "@earshot/shared/db/job-stories";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { watchJobsInRooms } from "./watch-jobs.workers.ts";
import type { WaitingRooms } from "./watch-jobs.workers.ts";

type ChangeAfter = ReturnType<WaitingRooms["get"]>["changeAfter"];

const WATCHED = { jobId: "job_01ARZ3NDEKTSV4RRFFQ69G5FAV", accountId: "acc_1" };
const patience = () => AbortSignal.timeout(20_000);

/** As far as following goes, a story is its version. */
function story(version: string): JobStory {
  return { version } as JobStory;
}

/** A house with one kind of room, the names that were asked for, and a job that the first look finds at version 1. */
function watchIn(changeAfter: ChangeAfter, look = async (): Promise<JobStory | null> => story("1")) {
  const names: string[] = [];
  const rooms: WaitingRooms = {
    idFromName: (name) => ({ name: names.push(name) }),
    get: () => ({ changeAfter }),
  };
  const watch = watchJobsInRooms({ rooms, look, log: silentLog });
  return { watch, names };
}

/** The versions that a follower sees until he has seen `count`. */
async function follow(
  { follow }: ReturnType<typeof watchJobsInRooms>,
  count: number,
  signal = patience(),
): Promise<(string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  for await (const found of follow(WATCHED, { signal })) if (seen.push(found?.version) >= count) break;
  return seen;
}

test("who follows is told of each change after what he has seen, in the room of the job's account", async () => {
  const asked: unknown[] = [];
  const { watch, names } = watchIn(async (job, seen) => {
    asked.push([job, seen]);
    return story(String(asked.length + 1));
  });
  expect(await follow(watch, 3)).toEqual(["1", "2", "3"]);
  expect(asked).toEqual([
    [WATCHED, "1"],
    [WATCHED, "2"],
  ]);
  expect(names).toEqual(["acc_1"]);
});

test("who has seen enough at the first look asks no room", async () => {
  const { watch } = watchIn(() => Promise.reject(new Error("nobody should ask")));
  expect(await follow(watch, 1)).toEqual(["1"]);
});

test("a room that had nothing to tell for a while is asked again for the same", async () => {
  const asked: (string | null)[] = [];
  const { watch } = watchIn(async (_job, seen) => (asked.push(seen) < 3 ? null : story("2")));
  expect(await follow(watch, 2)).toEqual(["1", "2"]);
  expect(asked).toEqual(["1", "1", "1"]);
});

test("who goes away is let go at once, whatever the room does", async () => {
  const leaving = new AbortController();
  const { watch } = watchIn(() => {
    queueMicrotask(() => leaving.abort());
    return new Promise(() => {});
  });
  expect(await follow(watch, 2, leaving.signal)).toEqual(["1"]);
});

test("a room that fails costs a pause, not the answer", async () => {
  let failures = 0;
  const { watch } = watchIn(async () => {
    if (++failures === 1) throw new Error("gone");
    return story("2");
  });
  expect(await follow(watch, 2)).toEqual(["1", "2"]);
});

test("an error of the first look is the caller's", async () => {
  const { watch } = watchIn(
    async () => null,
    () => Promise.reject(new Error("no database")),
  );
  await expect(follow(watch, 1)).rejects.toThrow("no database");
});
