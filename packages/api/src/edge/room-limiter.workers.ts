import type { Taken } from "@earshot/shared/domain/rate-window";
import type { RateLimiter, TakeRequest } from "../rate-limits/rate-limiter.ts";

/** The namespace of the Durable Object `RateRoom`, as far as it is used here. */
export interface RateRooms {
  idFromName(name: string): object;
  get(id: object): { take(request: TakeRequest, nowMs: number): Promise<Taken> };
}

/** Counts in the owner's Durable Object. */
export function roomLimiter(rooms: RateRooms): RateLimiter {
  return {
    take: (request, now) => rooms.get(rooms.idFromName(request.owner)).take(request, now.getTime()),
  };
}
