/** Of one lane at once, and of all at once. */
export interface LaneLimits {
  /** Attempts under way at once, in all. */
  concurrency: number;
  /** Of a lane whose last attempt here arrived. */
  healthy: number;
  /** Of a lane that nothing is known of yet. */
  unknown: number;
}

/** A receiver that failed is remembered for so long that it can't take everybody's places again; a restart forgets it. */
const REMEMBERED = 10_000;

/**
 * Who may have how many attempts under way, by how the last one ended. A lane that failed has one place, and all of those
 * together half of the places: however many receivers hang, the others have the rest.
 */
export class Lanes {
  readonly #limits: LaneLimits;
  readonly #busy = new Map<string, number>();
  /** Lanes whose last attempt failed; the one that was tried longest ago first. */
  readonly #sick = new Set<string>();
  /** Lanes under way whose last attempt arrived. */
  readonly #healthy = new Set<string>();

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  begin(lane: string): void {
    this.#busy.set(lane, (this.#busy.get(lane) ?? 0) + 1);
    if (this.#sick.delete(lane)) this.#sick.add(lane);
  }

  /** @param hasArrived null: it was not attempted after all. */
  end(lane: string, hasArrived: boolean | null): void {
    const busy = (this.#busy.get(lane) ?? 1) - 1;
    if (busy > 0) this.#busy.set(lane, busy);
    else this.#busy.delete(lane);
    if (hasArrived === null) return;
    if (hasArrived) {
      this.#sick.delete(lane);
      this.#healthy.add(lane);
    } else {
      this.#healthy.delete(lane);
      this.#sick.add(lane);
      if (this.#sick.size > REMEMBERED) this.#sick.delete([...this.#sick][0] ?? "");
    }
    // An idle lane starts anew: this map must not grow with every receiver there ever was.
    if (!this.#busy.has(lane)) this.#healthy.delete(lane);
  }

  /** Places left for each lane that differs from one of which nothing is known and nothing is under way. */
  rooms(): Map<string, number> {
    const rooms = new Map<string, number>();
    for (const [lane, busy] of this.#busy) {
      const limit = this.#healthy.has(lane) ? this.#limits.healthy : this.#limits.unknown;
      rooms.set(lane, Math.max(0, limit - busy));
    }
    let free = Math.max(1, Math.floor(this.#limits.concurrency / 2)) - this.#sickUnderWay();
    for (const lane of this.#sick) {
      const hasRoom = !this.#busy.has(lane) && free > 0;
      rooms.set(lane, hasRoom ? 1 : 0);
      if (hasRoom) free -= 1;
    }
    return rooms;
  }

  #sickUnderWay(): number {
    let count = 0;
    for (const [lane, busy] of this.#busy) if (this.#sick.has(lane)) count += busy;
    return count;
  }
}
