/**
 * What a process is doing.
 * - `starting`: not able to work yet.
 * - `ready`: works, and has room for more.
 * - `busy`: works, and has no room.
 * - `draining`: finishes or hands back what it has, then goes.
 * - `defunct`: found that it can't be trusted with work, and takes none.
 */
export const HEALTH_STATES = ["starting", "ready", "busy", "draining", "defunct"] as const;

export type HealthState = (typeof HEALTH_STATES)[number];

/** The state of this process. `draining` and `defunct` are final: what comes late doesn't make it ready again. */
export class Health {
  #state: HealthState = "starting";
  #reason: string | null = null;

  get state(): HealthState {
    return this.#state;
  }

  /** Why it is defunct. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Whether it does work: `ready` or `busy`. */
  get isReady(): boolean {
    return this.#state === "ready" || this.#state === "busy";
  }

  /** How much room there is now. */
  hasRoom(room: boolean): void {
    if (this.#isFinal) return;
    this.#state = room ? "ready" : "busy";
  }

  drain(): void {
    if (this.#state !== "defunct") this.#state = "draining";
  }

  /** @param reason for whoever looks at the machine; no secret. */
  condemn(reason: string): void {
    this.#state = "defunct";
    this.#reason = reason;
  }

  get #isFinal(): boolean {
    return this.#state === "draining" || this.#state === "defunct";
  }
}
