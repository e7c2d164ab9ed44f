/** So many requests in so many seconds. */
export interface RateLimit {
  limit: number;
  windowSeconds: number;
}

/**
 * What a bucket keeps: how much was used in the window that began at `startMs`, and in the one before. The window before
 * counts for as much of it as still lies within the last `windowSeconds`: nobody gets twice the limit by straddling an edge.
 */
export interface RateWindow {
  startMs: number;
  used: number;
  usedBefore: number;
}

export interface Taken {
  isAllowed: boolean;
  /** What could still be taken now. */
  remaining: number;
  /** Until the window ends. */
  resetSeconds: number;
  /** When `cost` would be allowed; 0 if it was. */
  retryAfterSeconds: number;
}

/** The bucket as it is at `nowMs`. A bucket that rested for two windows begins anew with the first who comes. */
export function windowAt(window: RateWindow | null, { windowSeconds }: RateLimit, nowMs: number): RateWindow {
  const windowMs = windowSeconds * 1000;
  if (window === null || nowMs >= window.startMs + 2 * windowMs) {
    return { startMs: nowMs, used: 0, usedBefore: 0 };
  }
  if (nowMs < window.startMs + windowMs) return window;
  return { startMs: window.startMs + windowMs, used: 0, usedBefore: window.used };
}

/** Takes `cost` out of the bucket if there is so much left. */
export function takeFrom(
  before: RateWindow | null,
  { cost, ...limit }: RateLimit & { cost: number },
  nowMs: number,
): { window: RateWindow; taken: Taken } {
  const window = windowAt(before, limit, nowMs);
  const isAllowed = usedIn(window, limit, nowMs) + cost <= limit.limit;
  const after = isAllowed ? { ...window, used: window.used + cost } : window;
  return { window: after, taken: takenFrom(after, { ...limit, cost, isAllowed }, nowMs) };
}

/** What is said of a bucket whose window, at `nowMs`, is `window`. */
export function takenFrom(
  window: RateWindow,
  { isAllowed, cost, ...limit }: RateLimit & { cost: number; isAllowed: boolean },
  nowMs: number,
): Taken {
  return {
    isAllowed,
    remaining: Math.max(0, Math.floor(limit.limit - usedIn(window, limit, nowMs))),
    resetSeconds: Math.max(1, Math.ceil((window.startMs - nowMs) / 1000 + limit.windowSeconds)),
    retryAfterSeconds: isAllowed ? 0 : Math.max(1, Math.ceil(waitMs(window, limit, cost, nowMs) / 1000)),
  };
}

function usedIn(window: RateWindow, limit: RateLimit, nowMs: number): number {
  return window.used + window.usedBefore * weightOfBefore(window, limit, nowMs);
}

/** From 1 when a window begins to 0 when it ends. Clocks of several servers differ: before its beginning it is 1, too. */
function weightOfBefore({ startMs }: RateWindow, { windowSeconds }: RateLimit, nowMs: number): number {
  return Math.min(1, Math.max(0, 1 - (nowMs - startMs) / (windowSeconds * 1000)));
}

/** Until enough of the window before, or else of this one, is long ago. */
function waitMs(window: RateWindow, limit: RateLimit, cost: number, nowMs: number): number {
  const windowMs = limit.windowSeconds * 1000;
  const room = limit.limit - cost;
  if (window.used <= room) {
    return window.startMs + windowMs * fadedAt(window.usedBefore, room - window.used) - nowMs;
  }
  return window.startMs + windowMs * (1 + fadedAt(window.used, room)) - nowMs;
}

/** The part of a window after which `used` counts for no more than `room`. */
function fadedAt(used: number, room: number): number {
  return used <= room ? 0 : Math.min(1, 1 - room / used);
}
