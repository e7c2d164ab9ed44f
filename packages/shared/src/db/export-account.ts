import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";
import type { Scope } from "../domain/scopes.ts";
import type { Database } from "./database.ts";

export interface ExportedRow {
  type: string;
  row: Record<string, unknown>;
}

interface Exported {
  type: string;
  /** Whoever may read these rows one by one may take them along. */
  scope: Scope;
  table: string;
  /** What tells rows apart, in the order of an index of the account's. */
  order: readonly [string, ...string[]];
  where?: SQL;
}

/** Tables of an account that its export tells, in this order. Results follow the job that they are of. */
export const EXPORTED: readonly Exported[] = [
  { type: "api_key", scope: "keys:read", table: "api_keys", order: ["id"] },
  { type: "member", scope: "members:read", table: "memberships", order: ["user_id"] },
  { type: "invitation", scope: "members:write", table: "invitations", order: ["id"] },
  { type: "session", scope: "members:write", table: "sessions", order: ["id"] },
  { type: "box", scope: "boxes:read", table: "boxes", order: ["id"] },
  { type: "usage", scope: "account:read", table: "account_usage", order: ["month", "shard"] },
  {
    type: "webhook_endpoint",
    scope: "webhooks:read",
    table: "webhook_endpoints",
    order: ["created_at", "id"],
  },
  { type: "calibration", scope: "account:read", table: "calibrations", order: ["created_at", "id"] },
  { type: "upload", scope: "jobs:read", table: "uploads", order: ["created_at", "id"] },
  {
    type: "job",
    scope: "jobs:read",
    table: "jobs",
    order: ["created_at", "id"],
    where: sql`deleted_at is null`,
  },
  { type: "speaker", scope: "speakers:read", table: "speakers", order: ["created_at", "id"] },
  { type: "event", scope: "events:read", table: "events", order: ["created_at", "id"] },
  { type: "delivery", scope: "webhooks:read", table: "deliveries", order: ["id"] },
  { type: "audit_entry", scope: "audit:read", table: "audit_log", order: ["created_at", "id"] },
];

/** Tables with an account that it doesn't tell: counters, answers that are told once, and what is in another row's line. */
export const NOT_EXPORTED = [
  "account_counters",
  "box_enrolments",
  "device_logins",
  "embeddings",
  "event_sequences",
  "idempotency_keys",
];

const PAGE = 200;

/** Everything of an account that its reader may see, a page in memory at a time, without a secret or a hash of one. */
export async function* exportRows(
  db: Database,
  accountId: string,
  maySee: (scope: Scope) => boolean,
): AsyncGenerator<ExportedRow> {
  const own = await db.execute<{ row: Record<string, unknown> }>(
    sql`select to_jsonb(t) as row from accounts t where id = ${accountId}`,
  );
  for (const { row } of own) yield { type: "account", row: withoutSecrets(row) };
  for (const exported of EXPORTED.filter(({ scope }) => maySee(scope))) {
    for await (const row of rowsOf(db, accountId, exported)) {
      yield { type: exported.type, row: withoutSecrets(row) };
    }
  }
}

async function* rowsOf(
  db: Database,
  accountId: string,
  { table, order, where = sql`true` }: Exported,
): AsyncGenerator<Record<string, unknown>> {
  const columns = sql.join(
    order.map((column) => sql`t.${sql.identifier(column)}`),
    sql`, `,
  );
  // The place is told and taken back as text: a Date has no more than milliseconds.
  const place = sql.join(
    order.map((column) => sql`t.${sql.identifier(column)}::text`),
    sql`, `,
  );
  let after: string[] | null = null;
  for (;;) {
    const later: SQL =
      after === null
        ? sql`true`
        : sql`(${columns}) > (${sql.join(
            after.map((value, index) => sql`${value}::text::${sql.raw(TYPES[order[index] ?? ""] ?? "text")}`),
            sql`, `,
          )})`;
    const rows: { row: Record<string, unknown>; place: string[] }[] = await db.execute<{
      row: Record<string, unknown>;
      place: string[];
    }>(sql`
      select to_jsonb(t) as row, jsonb_build_array(${place}) as place from ${sql.identifier(table)} t
      where account_id = ${accountId} and ${where} and ${later} order by ${columns} limit ${PAGE}`);
    for (const { row } of rows) yield row;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.place ?? null;
  }
}

/** Of columns that rows are ordered by and that are no text. */
const TYPES: Readonly<Record<string, string>> = {
  created_at: "timestamptz",
  month: "date",
  shard: "smallint",
};

const SECRET = /(_sealed|_hash|_token|secret|^traceparent)$|^(sealed_|previous_secret|secret)/;

function withoutSecrets(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !SECRET.test(column)));
}
