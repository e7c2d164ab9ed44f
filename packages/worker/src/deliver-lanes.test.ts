import { expect, test } from "vitest";
import { Lanes } from "./deliver-lanes.ts";

const LIMITS = { concurrency: 16, perLane: 4 };

function lanesAfter(outcomes: Record<string, boolean>): Lanes {
  const lanes = new Lanes(LIMITS);
  for (const [lane, hasArrived] of Object.entries(outcomes)) {
    lanes.begin(lane);
    lanes.end(lane, hasArrived);
  }
  return lanes;
}

const open = (lanes: Lanes) => [...lanes.rooms().lanes].flatMap(([lane, room]) => (room > 0 ? lane : []));
const names = (count: number, prefix: string) => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const all = (lanes: string[], hasArrived: boolean) =>
  Object.fromEntries(lanes.map((lane) => [lane, hasArrived]));

test("a stranger has one place, one that took what it was sent has several, one that failed has one", () => {
  const lanes = new Lanes(LIMITS);
  lanes.begin("a");
  expect(lanes.rooms().lanes).toEqual(new Map([["a", 0]]));
  lanes.end("a", true);
  lanes.begin("a");
  expect(lanes.rooms().lanes).toEqual(new Map([["a", 3]]));
  lanes.end("a", false);
  expect(lanes.rooms().lanes).toEqual(new Map([["a", 1]]));
  lanes.begin("a");
  expect(lanes.rooms().lanes).toEqual(new Map([["a", 0]]));
});

test("an attempt that was not made tells nothing of its lane", () => {
  const lanes = new Lanes(LIMITS);
  lanes.begin("a");
  lanes.end("a", null);
  expect(lanes.rooms()).toEqual({ lanes: new Map(), strangers: 8 });
});

test("strangers have half of the places between them", () => {
  const lanes = new Lanes(LIMITS);
  for (const lane of names(7, "s")) lanes.begin(lane);
  expect(lanes.rooms().strangers).toBe(1);
  for (const lane of names(3, "t")) lanes.begin(lane);
  expect(lanes.rooms().strangers).toBe(0);
});

test("all that failed have a quarter of the places between them, and take turns", () => {
  const lanes = lanesAfter(all(names(6, "s"), false));
  expect(open(lanes)).toEqual(["s0", "s1", "s2", "s3"]);
  for (const lane of open(lanes)) lanes.begin(lane);
  expect(open(lanes)).toEqual([]);
  for (const lane of ["s0", "s1"]) lanes.end(lane, false);
  expect(open(lanes)).toEqual(["s4", "s5"]);
  expect(lanes.rooms().strangers).toBe(8);
});

test("it forgets whom it heard of longest ago, and grows no further", () => {
  const lanes = lanesAfter({ ...all(names(300, "h"), true), ...all(names(1_100, "s"), false) });
  const known = [...lanes.rooms().lanes.keys()];
  expect(known).toHaveLength(256 + 1_000);
  expect(known).not.toContain("h0");
  expect(known).not.toContain("s0");
  expect(known).toContain("h299");
});
