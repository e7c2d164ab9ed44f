import type postgres from "postgres";

interface Clusters {
  count: number;
  dimensions: number;
  clusters: number;
  /** Of the same seed and dimensions are the same clusters. */
  seed: number;
  /** How far from the middle of its cluster a vector lies, in each dimension. */
  spread?: number;
  /** Vectors of the same sequence that come before. */
  skip?: number;
}

/** Vectors of length 1 in clusters, as those of songs are; the same at each run. */
export function clusteredVectors({
  count,
  dimensions,
  clusters,
  seed,
  spread = 1,
  skip = 0,
}: Clusters): number[][] {
  const random = generator(seed);
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const middles = Array.from({ length: clusters }, () => Array.from({ length: dimensions }, gaussian));
  const next = () => {
    const middle = middles[Math.floor(random() * clusters)] ?? [];
    const vector = middle.map((value) => value + spread * gaussian());
    const length = Math.hypot(...vector);
    return vector.map((value) => Math.fround(value / length));
  };
  return Array.from({ length: skip + count }, next).slice(skip);
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const jobIdOf = (accountId: string, i: number) => `${accountId}_${String(i).padStart(6, "0")}`;

/** Rows of jobs and their vectors, without what only the life of a job needs. The metadata say every how many-th a job is. */
export async function storeVectors(
  sql: postgres.Sql,
  {
    accountId,
    space,
    vectors,
  }: { accountId: string; space: string; vectors: readonly (readonly number[])[] },
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`insert into accounts (id, name, webhook_secret_sealed) values (${accountId}, 'test', '') on conflict do nothing`;
    await tx`insert into jobs (id, account_id, status, priority, input_url, tasks, timeout_seconds, retention_seconds, request_id,
        queue_deadline_at, claimable_at, metadata)
      select ${accountId} || '_' || lpad(i::text, 6, '0'), ${accountId}, 'queued', 0, 'https://example.com', '{music.embedding}',
        60, 60, 'req', now(), now(), jsonb_build_object('tenth', (i % 10)::text, 'thousandth', (i % 1000)::text)
      from generate_series(0, ${vectors.length - 1}::int) i on conflict do nothing`;
    for (let from = 0; from < vectors.length; from += 500) {
      const rows = vectors
        .slice(from, from + 500)
        .map((vector, i) => [jobIdOf(accountId, from + i), `{${vector}}`]);
      await tx`insert into embeddings (account_id, space, job_id, vec)
        select ${accountId}, ${space}, row ->> 0, (row ->> 1)::real[] from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) row`;
    }
  });
}

/** The ids of the ten jobs, at most, that `storeVectors` made of the nearest vectors. */
export function nearestTo(
  vector: readonly number[],
  {
    accountId,
    vectors,
    isCandidate = () => true,
  }: {
    accountId: string;
    vectors: readonly (readonly number[])[];
    isCandidate?: (i: number) => boolean;
  },
): string[] {
  return vectors
    .map((values, i) => ({ i, score: values.reduce((sum, value, d) => sum + value * (vector[d] ?? 0), 0) }))
    .filter(({ i }) => isCandidate(i))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 10)
    .map(({ i }) => jobIdOf(accountId, i));
}
