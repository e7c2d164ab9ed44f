import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeFrom } from "../domain/rate-window.ts";
import type { RateWindow } from "../domain/rate-window.ts";
import { forgetRateWindows, takeRate } from "./rate-windows.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
afterAll(() => rooms[Symbol.asyncDispose]());

const LIMIT = { limit: 10, windowSeconds: 60 };

test("the statement takes as the arithmetic does", async () => {
  const asked = fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 25,
  });
  let walks = 0;
  await fc.assert(
    fc.asyncProperty(asked, async (steps) => {
      const key = `walk ${walks++}`;
      let window: RateWindow | null = null;
      let nowMs = 1_800_000_000_000;
      for (const [waitMs, cost] of steps) {
        nowMs += waitMs;
        const expected = takeFrom(window, { ...LIMIT, cost }, nowMs);
        if (expected.taken.isAllowed) window = expected.window;
        expect(await takeRate(rooms.api, { key, ...LIMIT, cost }, new Date(nowMs))).toEqual(expected.taken);
      }
    }),
    { numRuns: 40 },
  );
});

test("of many at once exactly as many pass as may", async () => {
  const now = new Date();
  const taken = await Promise.all(
    Array.from({ length: 200 }, () => takeRate(rooms.api, { key: "crowd", ...LIMIT, cost: 1 }, now)),
  );
  expect(taken.filter(({ isAllowed }) => isAllowed)).toHaveLength(LIMIT.limit);
});

test("buckets that are full again are swept away, the others stay", async () => {
  await rooms.owner`delete from rate_windows`;
  await takeRate(rooms.api, { key: "old", ...LIMIT, cost: 1 }, new Date(Date.now() - 121_000));
  await takeRate(rooms.api, { key: "new", ...LIMIT, cost: 1 }, new Date());
  expect(await forgetRateWindows(rooms.deliver)).toBe(1);
  expect(await rooms.owner`select key from rate_windows`).toEqual([{ key: "new" }]);
});
