import { expect, test } from "vitest";
import { ID_PREFIXES, idPattern, newId } from "./ids.ts";
import type { IdKind } from "./ids.ts";

const KINDS = Object.keys(ID_PREFIXES) as IdKind[];

test.each(KINDS)("a new id of kind %s has the form of its kind, and of no other", (kind) => {
  const id = newId(kind);
  expect(KINDS.filter((other) => idPattern(other).test(id))).toEqual([kind]);
  expect(newId(kind)).not.toBe(id);
});

test("an id begins with the time of its making, so ids sort by it", () => {
  const before = timeOf(newId("job"));
  expect(Math.abs(before - Date.now())).toBeLessThan(5_000);
  expect(timeOf(newId("job"))).toBeGreaterThanOrEqual(before);
});

test.each([
  "",
  "job_",
  "job_01ARZ3NDEKTSV4RRFFQ69G5FA",
  "job_01ARZ3NDEKTSV4RRFFQ69G5FAVX",
  "job_01arz3ndektsv4rrffq69g5fav",
  "job_81ARZ3NDEKTSV4RRFFQ69G5FAV",
  "job_01ARZ3NDEKTSV4RRFFQ69G5FAI",
  "job_01ARZ3NDEKTSV4RRFFQ69G5FAU",
  "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  "job_01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
  " job_01ARZ3NDEKTSV4RRFFQ69G5FAV",
])("%j is no job's id", (id) => {
  expect(idPattern("job").test(id)).toBe(false);
});

/** Milliseconds since 1970: the first ten characters of a ULID, in Crockford's base 32. */
function timeOf(id: string): number {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const [, encoded = ""] = id.split("_");
  return Array.from(encoded.slice(0, 10)).reduce(
    (time, character) => time * 32 + digits.indexOf(character),
    0,
  );
}
