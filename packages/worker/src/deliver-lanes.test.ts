import { expect, test } from "vitest";
import { Lanes } from "./deliver-lanes.ts";

const LIMITS = { concurrency: 8, healthy: 4, unknown: 2 };

test("a lane that is idle and unknown has no room of its own: the default is for it", () => {
  expect(new Lanes(LIMITS).rooms()).toEqual(new Map());
});

test("a lane has more places while its attempts arrive, and one when they fail", () => {
  const lanes = new Lanes(LIMITS);
  lanes.begin("a");
  lanes.begin("a");
  expect(lanes.rooms()).toEqual(new Map([["a", 0]]));
  lanes.end("a", true);
  expect(lanes.rooms()).toEqual(new Map([["a", 3]]));
  lanes.end("a", false);
  expect(lanes.rooms()).toEqual(new Map([["a", 1]]));
  lanes.begin("a");
  expect(lanes.rooms()).toEqual(new Map([["a", 0]]));
  lanes.end("a", true);
  expect(lanes.rooms()).toEqual(new Map());
});

test("an attempt that was not made tells nothing of its lane", () => {
  const lanes = new Lanes(LIMITS);
  lanes.begin("a");
  lanes.end("a", null);
  expect(lanes.rooms()).toEqual(new Map());
});

test("all lanes that failed have half of the places between them, and take turns", () => {
  const lanes = new Lanes(LIMITS);
  const names = ["a", "b", "c", "d", "e", "f"];
  const turn = () => [...lanes.rooms()].flatMap(([lane, room]) => (room > 0 ? lane : []));
  for (const lane of names) {
    lanes.begin(lane);
    lanes.end(lane, false);
  }
  expect(turn()).toEqual(["a", "b", "c", "d"]);
  for (const lane of turn()) lanes.begin(lane);
  expect(turn()).toEqual([]);
  for (const lane of ["a", "b"]) lanes.end(lane, false);
  expect(turn()).toEqual(["e", "f"]);
});
