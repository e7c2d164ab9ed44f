import { away } from "@earshot/shared/domain/errors";

/** Something at an address of the network that changes seldom. */
export interface Cached<Value> {
  /** What is known, asked for again once it is too old. @throws AppError `unavailable`, when nothing is known. */
  get(): Promise<Value>;
  /** Asks again, for somebody who misses something in it: at most once in a cooldown, whoever wants it. */
  renew(): Promise<Value>;
}

export interface CacheOptions<Value> {
  load: () => Promise<Value>;
  now: () => number;
  maxAgeMs: number;
  cooldownMs: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * After a failure it waits, twice as long each time; what was known is used on meanwhile. Nobody waits for what another
 * request asked for: at the edge no request may.
 */
export function cached<Value>({ load, now, maxAgeMs, cooldownMs }: CacheOptions<Value>): Cached<Value> {
  let known: { value: Value; at: number } | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let failure: unknown = new Error("nothing was asked yet");

  const pauseMs = () =>
    failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));

  async function ask(): Promise<Value> {
    askedAt = now();
    try {
      const value = await load();
      known = { value, at: now() };
      failures = 0;
      return value;
    } catch (cause) {
      failures += 1;
      failure = away(cause);
      if (known !== null) return known.value;
      throw failure;
    }
  }

  async function knownOrAsk(isDue: boolean): Promise<Value> {
    if (isDue && now() - askedAt >= pauseMs()) return ask();
    if (known !== null) return known.value;
    if (failures > 0) throw failure;
    // Another request has asked for the first time, and its answer is still under way.
    return ask();
  }

  return {
    get: () => knownOrAsk(known === null || now() - known.at >= maxAgeMs),
    renew: () => knownOrAsk(now() - askedAt >= cooldownMs),
  };
}
