import type { LaneRooms } from "@earshot/shared/db/deliveries";

export interface LaneLimits {
  /** Attempts under way at once, in all. */
  concurrency: number;
  /** Of them, to one receiver that took the last thing it was sent. Any other has one. */
  perLane: number;
}

/** Names that a claim carries along: receivers that took something lately … */
const HEALTHY_KNOWN = 256;
/** … and that did not. One that is forgotten is a stranger again. */
const SICK_KNOWN = 1_000;

/**
 * Who may have how many attempts under way, by how the last one ended. A receiver that took something lately has places of its
 * own. All strangers together have half of the places at most, and all that failed a quarter: however many receivers hang, the
 * ones that are known to work have the rest, and wait for none of them.
 */
export class Lanes {
  readonly #limits: LaneLimits;
  readonly #busy = new Map<string, number>();
  /** Both with the lane that was tried longest ago first. */
  readonly #healthy = new Set<string>();
  readonly #sick = new Set<string>();

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  begin(lane: string): void {
    this.#busy.set(lane, this.#busyIn(lane) + 1);
    for (const known of [this.#healthy, this.#sick]) if (known.delete(lane)) known.add(lane);
  }

  /** @param hasArrived null: it was not attempted after all. */
  end(lane: string, hasArrived: boolean | null): void {
    const busy = this.#busyIn(lane) - 1;
    if (busy > 0) this.#busy.set(lane, busy);
    else this.#busy.delete(lane);
    if (hasArrived === null) return;
    this.#healthy.delete(lane);
    this.#sick.delete(lane);
    if (hasArrived) remember(this.#healthy, lane, HEALTHY_KNOWN);
    else remember(this.#sick, lane, SICK_KNOWN);
  }

  rooms(): LaneRooms {
    const { concurrency, perLane } = this.#limits;
    const lanes = new Map<string, number>();
    // A stranger under way has its one place.
    for (const lane of this.#busy.keys()) lanes.set(lane, 0);
    for (const lane of this.#healthy) lanes.set(lane, Math.max(0, perLane - this.#busyIn(lane)));
    const underWay = [...this.#busy].map(([lane, busy]) => ({ busy, kind: this.#kindOf(lane) }));
    const placesOf = (kind: string) =>
      underWay.reduce((sum, lane) => sum + (lane.kind === kind ? lane.busy : 0), 0);
    let forSick = share(concurrency / 4) - placesOf("sick");
    for (const lane of this.#sick) {
      const hasRoom = !this.#busy.has(lane) && forSick > 0;
      lanes.set(lane, hasRoom ? 1 : 0);
      if (hasRoom) forSick -= 1;
    }
    return { lanes, strangers: Math.max(0, share(concurrency / 2) - placesOf("stranger")) };
  }

  #busyIn(lane: string): number {
    return this.#busy.get(lane) ?? 0;
  }

  #kindOf(lane: string): "healthy" | "sick" | "stranger" {
    if (this.#healthy.has(lane)) return "healthy";
    return this.#sick.has(lane) ? "sick" : "stranger";
  }
}

function share(places: number): number {
  return Math.max(1, Math.floor(places));
}

function remember(lanes: Set<string>, lane: string, most: number): void {
  lanes.add(lane);
  const [oldest] = lanes;
  if (lanes.size > most && oldest !== undefined) lanes.delete(oldest);
}
