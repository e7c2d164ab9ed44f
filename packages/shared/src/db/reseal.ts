import { sql } from "drizzle-orm";
import type { ResultKeys } from "../crypto/result-keys.ts";
import { resealEnvelope } from "../crypto/result-keys.ts";
import type { SealKeys } from "../crypto/seal.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { resultContext } from "../domain/sealed-tasks.ts";
import type { Database } from "./database.ts";

export type SealKind = "secrets" | "results";

interface SealedColumn {
  kind: SealKind;
  table: string;
  /** Names a row, and is what its sealed value is bound to; of a result, job and task. */
  id: readonly [string] | readonly ["job_id", "task"];
  column: string;
}

/** Everything that is sealed in the database. A test finds a column that is missing here. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { kind: "secrets", table: "accounts", id: ["id"], column: "webhook_secret_sealed" },
  { kind: "secrets", table: "accounts", id: ["id"], column: "previous_webhook_secret_sealed" },
  { kind: "secrets", table: "jobs", id: ["id"], column: "webhook_secret_sealed" },
  { kind: "secrets", table: "webhook_endpoints", id: ["id"], column: "secret_sealed" },
  { kind: "secrets", table: "webhook_endpoints", id: ["id"], column: "previous_secret_sealed" },
  { kind: "secrets", table: "speakers", id: ["id"], column: "embedding_sealed" },
  { kind: "secrets", table: "signing_keys", id: ["kid"], column: "private_jwk_sealed" },
  { kind: "results", table: "task_results", id: ["job_id", "task"], column: "sealed_key" },
];

const BATCH = 500;

type Reseal = (sealed: string, row: SealedRow) => Promise<string>;

interface SealedRow {
  id: string;
  task: string;
  sealed: string;
}

/**
 * Seals anew, with the first key, what another one has sealed. Values that change meanwhile are left to whoever changes
 * them. It needs the login of the tables' owner. @returns how many.
 */
export async function resealSecrets(db: Database, keys: SealKeys): Promise<number> {
  const [{ id: current }] = keys;
  return resealAll(db, "secrets", current, async (sealed, { id }) =>
    seal(keys, await unseal(keys, sealed, id), id),
  );
}

/** The same for the keys of results. The results themselves, in rows and blobs, stay as they are. */
export async function resealResults(db: Database, keys: ResultKeys): Promise<number> {
  const [{ id: current }] = keys;
  return resealAll(db, "results", current, (sealed, { id, task }) =>
    resealEnvelope(keys, sealed, resultContext(id, task)),
  );
}

export interface SealCount {
  kind: SealKind;
  keyId: string;
  count: number;
}

/** How much is sealed by which key. */
export async function countSealed(db: Database): Promise<SealCount[]> {
  const each = SEALED_COLUMNS.map(
    ({ kind, table, column }) => sql`
      select ${kind} as kind, split_part(${name(column)}, '.', 2) as key_id
      from ${name(table)} where ${name(column)} is not null`,
  );
  const rows = await db.execute<{ kind: SealKind; key_id: string; count: number }>(sql`
    select kind, key_id, count(*)::int as count from (${sql.join(each, sql` union all `)}) sealed
    group by kind, key_id order by kind, key_id`);
  return rows.map(({ kind, key_id: keyId, count }) => ({ kind, keyId, count }));
}

async function resealAll(db: Database, kind: SealKind, current: string, reseal: Reseal): Promise<number> {
  let count = 0;
  for (const column of SEALED_COLUMNS.filter((candidate) => candidate.kind === kind)) {
    count += await resealColumn(db, column, current, reseal);
  }
  return count;
}

async function resealColumn(
  db: Database,
  { table, id, column }: SealedColumn,
  current: string,
  reseal: Reseal,
): Promise<number> {
  const [key, task = null] = id;
  const taskOf = task === null ? sql`''` : name(task);
  let count = 0;
  let after = { id: "", task: "" };
  for (;;) {
    const rows = await db.execute<SealedRow & Record<string, unknown>>(sql`
      select ${name(key)} as id, ${taskOf} as task, ${name(column)} as sealed from ${name(table)}
      where ${name(column)} is not null and split_part(${name(column)}, '.', 2) <> ${current}
        and (${name(key)}, ${taskOf}) > (${after.id}, ${after.task})
      order by 1, 2 limit ${BATCH}`);
    const given = await Promise.all(
      rows.map(async (row) => ({ ...row, resealed: await reseal(row.sealed, row) })),
    );
    // Only what is still as it was read: a secret that was rotated meanwhile is another one.
    const keyId = table === "task_results" ? sql`, key_id = ${current}` : sql``;
    const changed = await db.execute(sql`
      update ${name(table)} t set ${name(column)} = given.resealed ${keyId}
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as given (id text, task text, sealed text, resealed text)
      where t.${name(key)} = given.id and ${task === null ? sql`true` : sql`t.${name(task)} = given.task`}
        and t.${name(column)} = given.sealed
      returning 1`);
    count += changed.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return count;
    after = last;
  }
}

/** Names of this file alone. */
const name = (identifier: string) => sql.identifier(identifier);
