import type { Turn } from "./tone-voices.ts";

/** Parts of the time that somebody speaks in the reference (NIST): they add up to `total`. */
export interface DiarizationError {
  missed: number;
  falseAlarm: number;
  confusion: number;
  total: number;
}

/**
 * The diarization error rate of `found` against `reference`, overlap scored and no collar: of each moment, who is missing, who is
 * too many and who is somebody else, under the pairing of speakers that leaves the least confusion.
 */
export function diarizationError(
  reference: readonly Turn<unknown>[],
  found: readonly Turn<unknown>[],
): DiarizationError {
  const [speakers, labels] = [namesOf(reference), namesOf(found)];
  const together = speakers.map(() => labels.map(() => 0));
  let [spoken, missed, falseAlarm, both] = [0, 0, 0, 0];
  const edges = [...new Set([...reference, ...found].flatMap(({ start, end }) => [start, end]))].toSorted(
    (a, b) => a - b,
  );
  for (const [index, start] of edges.entries()) {
    const seconds = (edges[index + 1] ?? start) - start;
    const [real, heard] = [speaking(reference, start), speaking(found, start)];
    spoken += seconds * real.length;
    missed += seconds * Math.max(0, real.length - heard.length);
    falseAlarm += seconds * Math.max(0, heard.length - real.length);
    both += seconds * Math.min(real.length, heard.length);
    for (const speaker of real) {
      for (const label of heard) {
        const row = together[speakers.indexOf(speaker)] ?? [];
        row[labels.indexOf(label)] = (row[labels.indexOf(label)] ?? 0) + seconds;
      }
    }
  }
  const confusion = both - bestPairing(together);
  const [m, f, c] = [missed / spoken, falseAlarm / spoken, confusion / spoken];
  return { missed: m, falseAlarm: f, confusion: c, total: m + f + c };
}

function namesOf(turns: readonly Turn<unknown>[]): unknown[] {
  return [...new Set(turns.map(({ speaker }) => speaker))];
}

function speaking(turns: readonly Turn<unknown>[], at: number): unknown[] {
  return namesOf(turns.filter(({ start, end }) => start <= at && at < end));
}

/** The most time that any pairing of rows with columns has in common, by dynamic programming over sets of columns. */
function bestPairing(together: readonly (readonly number[])[]): number {
  let best = new Map([[0, 0]]);
  for (const row of together) {
    const next = new Map(best);
    for (const [taken, sum] of best) {
      for (const [column, seconds] of row.entries()) {
        const set = taken | (1 << column);
        if (set !== taken && sum + seconds > (next.get(set) ?? -1)) next.set(set, sum + seconds);
      }
    }
    best = next;
  }
  return Math.max(...best.values());
}
