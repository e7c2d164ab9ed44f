import { DurableObject } from "cloudflare:workers";
import type { Taken } from "@earshot/shared/domain/rate-window";
import { MemoryLimiter } from "../rate-limits/memory-limiter.ts";
import type { TakeRequest } from "../rate-limits/rate-limiter.ts";

/**
 * One Durable Object an owner: all that an account asks is counted here, one request after the other, whichever data
 * centre it came to. It keeps nothing: when the runtime restarts it, its buckets are full.
 * @public The runtime makes it.
 */
export class RateRoom extends DurableObject<unknown> {
  readonly #limiter = new MemoryLimiter();

  take(request: TakeRequest, nowMs: number): Taken {
    return this.#limiter.takeNow(request, nowMs);
  }
}
