import type postgres from "postgres";

export interface VectorIndex {
  name: string;
  /** Null where no vector is of its space any more. */
  space: string | null;
  dimensions: number;
  outcome: "made" | "kept" | "dropped";
}

/** Why there can be no index. The message is for a person. */
export class VectorIndexError extends Error {
  override readonly name = "VectorIndexError";
}

/** What pgvector's HNSW takes of the type `vector`. */
const MOST_DIMENSIONS = 2_000;
/** From this version on an index is read until enough rows have passed the other conditions. */
const OLDEST = [0, 8] as const;
/** Any number that nothing else in the product locks. */
const LOCK = 8_787_002;

/**
 * Gives each space of vectors its approximate index, and takes away those of spaces that are no more and those whose making
 * was broken off. Rows are read and written meanwhile.
 * @throws VectorIndexError where pgvector isn't there, may not be created, or is too old, and where another run is at it.
 */
export function indexVectors(sql: postgres.Sql): Promise<VectorIndex[]> {
  return alone(sql, async (connection) => {
    await requireVector(connection);
    const spaces = await connection<{ name: string; space: string; dimensions: number }[]>`
      select vector_index_name(space, cardinality(vec)) as name, space, cardinality(vec) as dimensions
      from embeddings where cardinality(vec) <= ${MOST_DIMENSIONS} group by space, cardinality(vec) order by space`;
    const present = await indexesOf(connection);
    const done: VectorIndex[] = [];
    for (const index of present) {
      if (index.isValid && spaces.some(({ name }) => name === index.name)) continue;
      done.push(await drop(connection, index.name));
    }
    for (const space of spaces) {
      const isThere = present.some(({ name, isValid }) => isValid && name === space.name);
      if (!isThere) await make(connection, space);
      done.push({ ...space, outcome: isThere ? "kept" : "made" });
    }
    await connection`analyze embeddings`;
    return done;
  });
}

/** Every search is exact from then on. pgvector itself stays. */
export function dropVectorIndexes(sql: postgres.Sql): Promise<VectorIndex[]> {
  return alone(sql, async (connection) => {
    const done: VectorIndex[] = [];
    for (const { name } of await indexesOf(connection)) done.push(await drop(connection, name));
    return done;
  });
}

/** Another run would take an index that is being made for one that was broken off. */
async function alone<T>(
  sql: postgres.Sql,
  work: (connection: postgres.ReservedSql) => Promise<T>,
): Promise<T> {
  await sql`select`;
  const connection = await sql.reserve();
  try {
    // One that waited for the lock would be waited for by what is made concurrently.
    const [row] = await connection<{ locked: boolean }[]>`select pg_try_advisory_lock(${LOCK}) as locked`;
    if (!row?.locked) throw new VectorIndexError("Another run makes or drops these indexes.");
    return await work(connection);
  } finally {
    await connection`select pg_advisory_unlock_all()`.catch(() => {}); // A lost connection has lost the lock, too.
    connection.release();
  }
}

async function requireVector(connection: postgres.ReservedSql): Promise<void> {
  const [offered] = await connection`select from pg_available_extensions where name = 'vector'`;
  if (offered === undefined)
    throw new VectorIndexError(
      "This Postgres has no pgvector. Without it every search compares all vectors.",
    );
  await connection`create extension if not exists vector`.catch((cause: unknown) => {
    if ((cause as { code?: unknown }).code !== "42501") throw cause;
    throw new VectorIndexError(
      "The owner may not create the extension. Let a superuser run: create extension vector",
      { cause },
    );
  });
  const [installed] = await connection<{ version: string }[]>`
    select extversion as version from pg_extension where extname = 'vector'`;
  const version = installed?.version ?? "";
  if (isOlder(version, OLDEST))
    throw new VectorIndexError(
      `pgvector ${version} is too old: ${OLDEST.join(".")} or later. Once it is there run: alter extension vector update`,
    );
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}

function indexesOf(connection: postgres.ReservedSql) {
  return connection<{ name: string; isValid: boolean }[]>`
    select c.relname as name, i.indisvalid as "isValid" from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'embeddings'::regclass and c.relname like ${String.raw`embeddings\_near\_%`} order by 1`;
}

/** The inner product of vectors of length 1 is the cosine that an exact search ranks by. */
async function make(
  connection: postgres.ReservedSql,
  { name, space, dimensions }: { name: string; space: string; dimensions: number },
): Promise<void> {
  const [written] = await connection<{ statement: string }[]>`
    select format('create index concurrently %1$I on embeddings using hnsw ((vec::%2$s.vector(%3$s)) %2$s.vector_ip_ops) where space = %4$L',
      ${name}::text, extnamespace::regnamespace, ${dimensions}::int, ${space}::text) as statement
    from pg_extension where extname = 'vector'`;
  await connection.unsafe(written?.statement ?? "");
}

async function drop(connection: postgres.ReservedSql, name: string): Promise<VectorIndex> {
  await connection`drop index concurrently ${connection(name)}`;
  return { name, space: null, dimensions: Number(name.split("_")[2]), outcome: "dropped" };
}
