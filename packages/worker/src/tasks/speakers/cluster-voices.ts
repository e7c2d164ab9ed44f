/** A voice heard in one window, as a vector of length 1. */
export interface HeardVoice {
  window: number;
  embedding: Float32Array;
}

export interface ClusterOptions {
  /** Voices whose mean cosine is below it are two speakers'. */
  threshold: number;
  minSpeakers: number;
  maxSpeakers: number;
}

/** So many clusters are compared with each other at a time; what comes on top is first put together with its nearest. */
const MOST_AT_ONCE = 512;
const LEFT_BY_A_ROUND = 256;

/**
 * Agglomerative clustering with average linkage of cosines. Two voices of one window are two speakers: clusters that have more
 * than a tenth of the smaller one's windows in common are not merged, so that one window that was heard wrongly does not
 * keep a speaker apart. Memory and time grow linearly with the voices: only MOST_AT_ONCE clusters are ever compared.
 * @param breathe Awaited between rounds, so that hours of audio do not hold up whatever else this process does.
 * @returns the mean direction of each speaker's voices, in the order of their first one.
 */
export async function clusterVoices(
  voices: Iterable<HeardVoice>,
  options: ClusterOptions,
  breathe: () => Promise<void> = async () => {},
): Promise<Float32Array[]> {
  let clusters: Cluster[] = [];
  for (const voice of voices) {
    clusters.push({ sum: voice.embedding, windows: [voice.window] });
    if (clusters.length < MOST_AT_ONCE) continue;
    const anyway = { threshold: -Infinity, minSpeakers: LEFT_BY_A_ROUND, maxSpeakers: Infinity };
    clusters = merge(clusters, anyway);
    await breathe();
  }
  return merge(clusters, options).map(({ sum }) => unit(sum));
}

/** The vector at length 1; null when it has no direction. */
export function directionOf(vector: Float32Array): Float32Array | null {
  const length = Math.hypot(...vector);
  return Number.isFinite(length) && length > 0 ? vector.map((value) => value / length) : null;
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

interface Cluster {
  /** Of unit vectors: the dot product of two sums is that of all pairs together. */
  sum: Float32Array;
  windows: readonly number[];
}

interface Pair {
  first: number;
  second: number;
  similarity: number;
}

/** Merges the nearest pair for as long as the options let it. */
function merge(clusters: readonly Cluster[], options: ClusterOptions): Cluster[] {
  const table = new PairTable(clusters);
  for (;;) {
    const mustMerge = table.size > options.maxSpeakers;
    if (table.size <= options.minSpeakers && !mustMerge) break;
    const pair = table.nearest() ?? (mustMerge ? table.nearestEvenTogether() : null);
    if (pair === null || (pair.similarity < options.threshold && !mustMerge)) break;
    table.merge(pair);
  }
  return table.clusters();
}

/** Of all pairs of clusters, how near they are and in how many windows both are heard. Lower triangles, row-major. */
class PairTable {
  readonly #clusters: (Cluster | null)[];
  readonly #width: number;
  readonly #similarities: Float32Array;
  readonly #together: Uint32Array;
  /** Of each row the nearest of those before it that it may be merged with; -1: none. */
  readonly #nearest: Int32Array;
  size: number;

  constructor(clusters: readonly Cluster[]) {
    this.#clusters = [...clusters];
    this.#width = clusters.length;
    this.size = clusters.length;
    this.#similarities = new Float32Array(this.#width ** 2);
    this.#together = windowsTogether(clusters);
    this.#nearest = new Int32Array(this.#width).fill(-1);
    for (const [row, one] of clusters.entries()) {
      for (let column = 0; column < row; column++) {
        const other = this.#clusters[column];
        if (other) this.#similarities[this.#cell(row, column)] = meanCosine(one, other);
      }
      this.#nearest[row] = this.#nearestOf(row, this.#mayMerge);
    }
  }

  /** The pair of the highest mean cosine, of those that are not heard together. */
  nearest(): Pair | null {
    return this.#bestOf((row) => at(this.#nearest, row));
  }

  nearestEvenTogether(): Pair | null {
    return this.#bestOf((row) => this.#nearestOf(row, () => true));
  }

  merge({ first, second }: Pair): void {
    const [one, other] = [this.#clusters[first], this.#clusters[second]];
    if (!one || !other) return;
    const merged = {
      sum: one.sum.map((value, i) => value + at(other.sum, i)),
      windows: [...one.windows, ...other.windows],
    };
    this.#clusters[first] = merged;
    this.#clusters[second] = null;
    this.size -= 1;
    for (let index = 0; index < this.#width; index++) {
      const cluster = this.#clusters[index];
      if (!cluster || index === first) continue;
      const cell = this.#cell(first, index);
      this.#similarities[cell] =
        (one.windows.length * at(this.#similarities, cell) +
          other.windows.length * at(this.#similarities, this.#cell(second, index))) /
        merged.windows.length;
      this.#together[cell] = at(this.#together, cell) + at(this.#together, this.#cell(second, index));
    }
    for (let row = first; row < this.#width; row++) this.#look(row, first, second);
  }

  clusters(): Cluster[] {
    return this.#clusters.filter((cluster) => cluster !== null);
  }

  /** Two clusters have become the one of `first`: only rows that had one of them, or are nearer to both, have another nearest. */
  #look(row: number, first: number, second: number): void {
    if (!this.#clusters[row]) return;
    const nearest = at(this.#nearest, row);
    if (row === first || nearest === first || nearest === second) {
      this.#nearest[row] = this.#nearestOf(row, this.#mayMerge);
    } else if (
      this.#mayMerge(row, first) &&
      (nearest < 0 || this.#similarity(row, first) > this.#similarity(row, nearest))
    ) {
      this.#nearest[row] = first;
    }
  }

  #bestOf(nearestOf: (row: number) => number): Pair | null {
    let best: Pair | null = null;
    for (let row = 1; row < this.#width; row++) {
      if (!this.#clusters[row]) continue;
      const first = nearestOf(row);
      if (first < 0) continue;
      const similarity = this.#similarity(row, first);
      if (best === null || similarity > best.similarity) best = { first, second: row, similarity };
    }
    return best;
  }

  #nearestOf(row: number, mayMerge: (row: number, column: number) => boolean): number {
    let nearest = -1;
    for (let column = 0; column < row; column++) {
      if (!this.#clusters[column] || !mayMerge(row, column)) continue;
      if (nearest < 0 || this.#similarity(row, column) > this.#similarity(row, nearest)) nearest = column;
    }
    return nearest;
  }

  readonly #mayMerge = (row: number, column: number): boolean => {
    const [one, other] = [this.#clusters[row], this.#clusters[column]];
    if (!one || !other) return false;
    return (
      at(this.#together, this.#cell(row, column)) * 10 <= Math.min(one.windows.length, other.windows.length)
    );
  };

  #similarity(row: number, column: number): number {
    return at(this.#similarities, row * this.#width + column);
  }

  #cell(one: number, other: number): number {
    return Math.max(one, other) * this.#width + Math.min(one, other);
  }
}

function windowsTogether(clusters: readonly Cluster[]): Uint32Array {
  const together = new Uint32Array(clusters.length ** 2);
  const heardIn = new Map<number, number[]>();
  for (const [index, { windows }] of clusters.entries()) {
    for (const window of windows) {
      const others = heardIn.get(window) ?? [];
      for (const other of others) {
        if (other === index) continue;
        const cell = index * clusters.length + other;
        together[cell] = at(together, cell) + 1;
      }
      heardIn.set(window, [...others, index]);
    }
  }
  return together;
}

function meanCosine(one: Cluster, other: Cluster): number {
  return dot(one.sum, other.sum) / (one.windows.length * other.windows.length);
}

/** A sum that cancels out has no direction; it stays as it is, near nothing. */
function unit(sum: Float32Array): Float32Array {
  return directionOf(sum) ?? sum;
}

/** `index` is within the array: the loops above run over its length. */
function at(values: Float32Array | Int32Array | Uint32Array, index: number): number {
  return values[index] as number;
}
