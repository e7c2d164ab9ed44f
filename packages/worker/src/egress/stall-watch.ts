import { EgressError } from "./egress-error.ts";

export interface StallWatch extends Disposable {
  /** Aborts with a `timeout` once nothing has moved for the limit. */
  readonly signal: AbortSignal;
  /** Says that something moved. */
  moved(): void;
}

export function watchForStall(limitMs: number): StallWatch {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new EgressError("timeout")), limitMs);
  return {
    signal: controller.signal,
    moved: () => void timer.refresh(),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
