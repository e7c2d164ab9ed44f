import type { Socket } from "node:net";
import type { ExtractTablesWithRelations } from "drizzle-orm";
import type { PgDatabase } from "drizzle-orm/pg-core";
import type { PostgresJsQueryResultHKT } from "drizzle-orm/postgres-js";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { isLoopbackHost } from "../domain/loopback.ts";
import { endWithConnection } from "./lost-transactions.ts";
import { withPreparedStatements } from "./prepared-statements.ts";
import { StatementWatch } from "./statement-watch.ts";

/** A connection pool or a transaction on one: every query of this room takes either. */
export type Database = PgDatabase<
  PostgresJsQueryResultHKT,
  Record<string, never>,
  ExtractTablesWithRelations<Record<string, never>>
>;

export interface OpenDatabase {
  db: Database;
  /** The driver itself, for LISTEN and for migrations. */
  sql: postgres.Sql;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** In place of the URL's: asked for at each new connection, where it changes while the process lives. */
  password?: () => Promise<string>;
  /** Connections at most. */
  max?: number;
  /** Shown in pg_stat_activity. */
  name: string;
  /** After this long without a query a connection is closed. */
  idleSeconds?: number;
  /**
   * The server ends a longer statement, and a connection on which nothing is heard for longer is cut. Without it a
   * statement may take its time (migrations), and one on a dead connection as long as TCP does.
   */
  statementSeconds?: number;
  /** Opens a socket where another layer carries the connection, keeps it and secures it (Hyperdrive). */
  carrier?: (to: { host: string[]; port: number[] }) => Promise<Socket>;
}

export const CONNECT_WITHIN_SECONDS = 10;
const CLOSE_WITHIN_SECONDS = 5;
const LONGEST_RECONNECT_SECONDS = 1;
const IDLE_IN_TRANSACTION_SECONDS = 30;
/** A connection that only listens asks for nothing: the kernel finds out that it is dead. */
const KEEP_ALIVE_SECONDS = 15;

/** The driver's own back-off grows to 20 s, in which a database that restarted in two would go unseen and leases would run out. */
function reconnectSeconds(attempt: number): number {
  return Math.min(LONGEST_RECONNECT_SECONDS, 0.05 * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/** For processes that hold leases: a statement on a dead connection is given up while the lease still lives. */
export const STATEMENT_SECONDS = 15;

export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const { statementSeconds } = options;
  const watch = statementSeconds === undefined ? null : new StatementWatch({ statementSeconds });
  const sql = postgres(options.url, {
    max: options.max ?? 8,
    ...(options.password && { password: options.password }),
    ssl: options.carrier ? false : transportSecurity(options.url),
    connect_timeout: CONNECT_WITHIN_SECONDS,
    idle_timeout: options.idleSeconds ?? 60,
    backoff: reconnectSeconds,
    // The driver's own question for array types on each new connection is awaited by nobody: a connection cut in the
    // middle of it would be an unhandled rejection, the end of a process. Drizzle knows the types of its columns.
    fetch_types: false,
    ...(options.carrier && { socket: options.carrier }),
    ...(watch && { socket: watch.socket, keep_alive: KEEP_ALIVE_SECONDS }),
    onnotice() {},
    connection: {
      application_name: options.name,
      ...(statementSeconds !== undefined && {
        statement_timeout: statementSeconds * 1_000,
        // What a process that is gone without a word has locked is free again after this.
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_SECONDS * 1_000,
      }),
    },
  });
  const client = endWithConnection(options.carrier ? sql : withPreparedStatements(sql));
  return {
    db: drizzle(watch === null ? client : watch.watch(client)),
    sql,
    close: () => sql.end({ timeout: CLOSE_WITHIN_SECONDS }),
  };
}

/**
 * Plain text on loopback; anywhere else certificates are checked or the process does not start.
 * postgres.js takes `sslmode=require` to mean "encrypt, and believe anybody".
 * @throws TypeError for a remote host without `sslmode=verify-full`.
 */
export function transportSecurity(url: string): false | { rejectUnauthorized: true } {
  const { hostname, searchParams } = new URL(url);
  if (isLoopbackHost(hostname)) return false;
  if (searchParams.get("sslmode") !== "verify-full") {
    throw new TypeError(`the database at ${hostname} needs sslmode=verify-full`);
  }
  return { rejectUnauthorized: true };
}
