import { and, desc, eq, sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import { LEAST_PROBABILITY, TIER_QUANTILES } from "../domain/mood-calibration.ts";
import type { MoodCalibration, TierThresholds } from "../domain/mood-calibration.ts";
import type { Database } from "./database.ts";
import { calibrations } from "./schema.ts";

export type Calibration = typeof calibrations.$inferSelect;

/** The newest results that one is computed from. */
const MOST_RESULTS = 10_000;
const MOST_LISTED = 100;

/** What an account's newest results of music.mood say, of the model that made the last of them. */
export interface Measured {
  model: string;
  modelVersion: string;
  results: number;
  thresholds: Record<string, TierThresholds>;
}

/** Null when no result says its probabilities. */
export async function measureCalibration(db: Database, accountId: string): Promise<Measured | null> {
  const { strict, regular, loose } = TIER_QUANTILES;
  const [found] = await db.execute<{
    model: string;
    model_version: string;
    results: number;
    quantiles: Record<string, [number, number, number]>;
  }>(sql`
    with own as materialized (
      select r.model, r.version, r.summary -> 'heads' as heads, j.created_at
      from jobs j join task_results r on r.job_id = j.id
      where j.account_id = ${accountId} and j.deleted_at is null and r.task = 'music.mood'
        and r.status = 'succeeded' and r.summary ? 'heads'
      order by j.created_at desc limit ${MOST_RESULTS}
    ),
    latest as (select model, version from own order by created_at desc limit 1),
    used as (select heads from own join latest using (model, version)),
    by_class as (
      select c.key, percentile_cont(array[${strict}, ${regular}, ${loose}]::float8[]) within group (order by c.value::float8) as cut
      from used, jsonb_each(heads) h, jsonb_each_text(h.value) c group by c.key
    )
    select model, version as model_version, (select count(*)::int from used) as results,
      (select jsonb_object_agg(key, to_jsonb(cut)) from by_class) as quantiles
    from latest`);
  if (found === undefined) return null;
  const thresholds = Object.entries(found.quantiles).map(([name, cuts]) => {
    const [high = 1, middle = 1, low = 1] = cuts.map((cut) => Math.max(LEAST_PROBABILITY, cut));
    return [name, { strict: high, regular: middle, loose: low }] as const;
  });
  const { model, model_version: modelVersion, results } = found;
  return { model, modelVersion, results, thresholds: Object.fromEntries(thresholds) };
}

export async function insertCalibration(
  db: Database,
  accountId: string,
  measured: Measured,
): Promise<Calibration> {
  const [made] = await db
    .insert(calibrations)
    .values({ id: newId("calibration"), accountId, ...measured })
    .returning();
  if (made === undefined) throw new Error("an insert returned nothing");
  return made;
}

/** The newest first. */
export function listCalibrations(db: Database, accountId: string): Promise<Calibration[]> {
  return db
    .select()
    .from(calibrations)
    .where(eq(calibrations.accountId, accountId))
    .orderBy(desc(calibrations.createdAt), desc(calibrations.id))
    .limit(MOST_LISTED);
}

/** Puts one in use in the place of any other, or out of use. Null: the account has none of this id. */
export async function useCalibration(
  tx: Database,
  accountId: string,
  { id, isActive }: { id: string; isActive: boolean },
): Promise<Calibration | null> {
  // Two at once take turns: one in use is all that the index allows.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`calibrations ${accountId}`}, 0))`);
  const own = and(eq(calibrations.accountId, accountId), eq(calibrations.id, id));
  const [there] = await tx.select().from(calibrations).where(own);
  if (there === undefined) return null;
  if (isActive) {
    await tx
      .update(calibrations)
      .set({ isActive: false })
      .where(and(eq(calibrations.accountId, accountId), eq(calibrations.isActive, true)));
  }
  await tx.update(calibrations).set({ isActive }).where(own);
  return { ...there, isActive };
}

/** The one that an account's jobs are tagged with; null: the default. */
export async function findActiveCalibration(
  db: Database,
  accountId: string,
): Promise<MoodCalibration | null> {
  const [found] = await db
    .select()
    .from(calibrations)
    .where(and(eq(calibrations.accountId, accountId), eq(calibrations.isActive, true)));
  if (found === undefined) return null;
  const { id, model, modelVersion, thresholds } = found;
  return { id, model: { id: model, version: modelVersion }, thresholds };
}
