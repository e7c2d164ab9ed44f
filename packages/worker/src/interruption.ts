/**
 * Why a job was stopped from outside.
 * - `lease_lost`: somebody else has it now, or it is over; write nothing.
 * - `canceling`: its owner asked for it.
 * - `database_lost`: no beat went through for almost a whole lease.
 * - `draining`: this worker is shutting down.
 */
export type InterruptionKind = "lease_lost" | "canceling" | "database_lost" | "draining";

export class Interruption extends Error {
  readonly kind: InterruptionKind;

  constructor(kind: InterruptionKind) {
    super(`the job was interrupted: ${kind}`);
    this.name = "Interruption";
    this.kind = kind;
  }
}
