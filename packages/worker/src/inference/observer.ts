/** How one model was used. Counters only rise while the process lives; the others are of this moment. */
export interface ModelFigures {
  /** Runs of the model: each is one batch. */
  batches: number;
  /** Rows (patches, streams, embeddings) in those batches. */
  rows: number;
  /** Rows that those batches had room for: `rows / capacity` is how full they were. */
  capacity: number;
  /** Batches that a lane did not answer, or answered with an error. */
  failures: number;
  /** Time that lanes spent on them, loading included. */
  seconds: number;
  /** Calls that wait for a lane now. */
  waiting: number;
  /** Calls that a lane computes now. */
  inFlight: number;
}

export interface LaneFigures {
  /** How many there are to be, are there, and are at work. */
  wanted: number;
  alive: number;
  busy: number;
  /** Batches that wait for one. */
  waiting: number;
  /** Memory of all of them at their last answers, and what of it their models are, by their files. */
  rssBytes: number;
  modelBytes: number;
  /** Counters: processes started (the first ones included), and why they ended. */
  started: number;
  /** Ended by themselves or by somebody else. */
  crashed: number;
  /** Ended by us: a call took too long, nobody wanted its answer, or no answer to a ping. */
  killed: number;
  /** Replaced after so many calls, or for their memory. */
  recycled: number;
  /** Attempts to start one that failed. */
  notStarted: number;
}

/** What the engine can be asked at any time; `observe()` of the lanes makes it. */
export interface EngineFigures {
  /** Where models run, as results say it. */
  device: string;
  /** Why no work is taken any more; null while all is well. */
  defunct: string | null;
  lanes: LaneFigures;
  /** By `id@version`. */
  models: Readonly<Record<string, ModelFigures>>;
}

/** Counts what the lanes and batchers of one engine do. */
export class Observer {
  readonly laneEvents = { started: 0, crashed: 0, killed: 0, recycled: 0, notStarted: 0 };
  readonly #models = new Map<string, ModelFigures>();

  of(modelId: string): ModelFigures {
    const figures = this.#models.get(modelId) ?? noFigures();
    this.#models.set(modelId, figures);
    return figures;
  }

  models(): Record<string, ModelFigures> {
    return Object.fromEntries([...this.#models].map(([id, figures]) => [id, { ...figures }]));
  }
}

function noFigures(): ModelFigures {
  return { batches: 0, rows: 0, capacity: 0, failures: 0, seconds: 0, waiting: 0, inFlight: 0 };
}
