/** One call on its way through a batcher. It is settled once: what comes later is dropped. */
export class BatchItem<Request, Answer> {
  readonly request: Request;
  readonly rows: number;
  readonly signal: AbortSignal;
  /** Lanes that died while they computed it. */
  crashes = 0;
  /** Something went wrong in a batch with it: it is computed by itself from now on. */
  isSuspect = false;
  /** Told when its job stops, once it was refused. */
  onLeave: () => void = () => {};
  readonly #answer = Promise.withResolvers<Answer>();

  constructor(request: Request, rows: number, signal: AbortSignal) {
    this.request = request;
    this.rows = rows;
    this.signal = signal;
  }

  get hasLeft(): boolean {
    return this.signal.aborted;
  }

  resolve(answer: Answer): void {
    this.#answer.resolve(answer);
  }

  reject(error: unknown): void {
    this.#answer.reject(error);
  }

  /** @throws the signal's reason as soon as it aborts. */
  async answered(): Promise<Answer> {
    const leave = () => {
      this.#answer.reject(this.signal.reason);
      this.onLeave();
    };
    this.signal.addEventListener("abort", leave, { once: true });
    try {
      return await this.#answer.promise;
    } finally {
      this.signal.removeEventListener("abort", leave);
    }
  }
}

type Waiting = Pick<BatchItem<unknown, unknown>, "hasLeft" | "onLeave">;

/** A signal that aborts when the jobs of all items have stopped and so long has passed. */
export function whenNobodyWaits(
  items: readonly Waiting[],
  patienceMs: number,
): Disposable & { signal: AbortSignal } {
  const unwanted = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onLeave = () => {
    if (!items.every((item) => item.hasLeft)) return;
    timer ??= setTimeout(() => unwanted.abort(new Error("Nobody waits for this run.")), patienceMs);
  };
  for (const item of items) item.onLeave = onLeave;
  return {
    signal: unwanted.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}
