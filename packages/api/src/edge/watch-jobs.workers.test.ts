import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { watchJobsInRooms } from "./watch-jobs.workers.ts";
import type { WaitingRooms } from "./watch-jobs.workers.ts";

type ChangeAfter = ReturnType<WaitingRooms["get"]>["changeAfter"];

const WATCHED = { jobId: "job_01ARZ3NDEKTSV4RRFFQ69G5FAV", accountId: "acc_1" };
const patience = () => AbortSignal.timeout(20_000);

/** A house with one kind of room, and the names that were asked for. */
function watchIn(changeAfter: ChangeAfter) {
  const names: string[] = [];
  const rooms: WaitingRooms = {
    idFromName: (name) => ({ name: names.push(name) }),
    get: () => ({ changeAfter }),
  };
  const watch = watchJobsInRooms({ rooms, log: silentLog });
  return { watch, names };
}

test("who waits looks again after each change, in the room of the job's account", async () => {
  const seen: (string | null)[] = [];
  const { watch, names } = watchIn(async (_jobId, version) => String(seen.push(version)));
  const answers = [null, null, "ended"];
  expect(await watch.waitFor(WATCHED, async () => answers.shift() ?? null, { signal: patience() })).toBe(
    "ended",
  );
  expect(seen).toEqual([null, "1"]);
  expect(names).toEqual(["acc_1"]);
});

test("what is over at the first look is not waited for", async () => {
  const { watch } = watchIn(() => Promise.reject(new Error("nobody should ask")));
  expect(await watch.waitFor(WATCHED, async () => "ended", { signal: patience() })).toBe("ended");
});

test("who goes away is answered null at once, whatever the room does", async () => {
  const leaving = new AbortController();
  const { watch } = watchIn(() => {
    queueMicrotask(() => leaving.abort());
    return new Promise(() => {});
  });
  expect(await watch.waitFor(WATCHED, async () => null, { signal: leaving.signal })).toBeNull();
});

test("a room that fails costs a pause, not the answer", async () => {
  let failures = 0;
  const { watch } = watchIn(() => Promise.reject(new Error(`failure ${++failures}`)));
  const answers = [null, "ended"];
  expect(await watch.waitFor(WATCHED, async () => answers.shift() ?? null, { signal: patience() })).toBe(
    "ended",
  );
  expect(failures).toBe(1);
});

test("an error of the look is the caller's", async () => {
  const { watch } = watchIn(async () => "1");
  const check = () => Promise.reject(new Error("no database"));
  await expect(watch.waitFor(WATCHED, check, { signal: patience() })).rejects.toThrow("no database");
});
