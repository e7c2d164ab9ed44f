import type postgres from "postgres";
import { withMethods } from "./lost-transactions.ts";

/** Statements of the product are about 150; lists of many lengths in them must not fill the server's memory. */
const MOST_STATEMENTS = 400;

/**
 * A search through a queue or a list. The server soon keeps one plan for a prepared statement, whatever its values: one that it
 * chose while a queue was short is ten times too slow for a long one.
 */
const SEARCH = /\blimit\b/i;

/**
 * The same client, whose statements are prepared once in each connection, but for searches. One that is not costs two trips
 * each time: the driver has the server describe it first. Those that come when so many are known already stay as they were.
 */
export function withPreparedStatements<Client extends object>(
  client: Client,
  known: Set<unknown> = new Set(),
): Client {
  const isKept = (text: unknown) => {
    if (SEARCH.test(String(text))) return false;
    if (known.size < MOST_STATEMENTS) known.add(text);
    return known.has(text);
  };
  const inside =
    (method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) =>
      method(...args.map((work) => (typeof work === "function" ? within(work as Work) : work)));
  const within = (work: Work) => (tx: postgres.TransactionSql) => work(withPreparedStatements(tx, known));
  return withMethods(client, {
    unsafe:
      (unsafe) =>
      (text, values = [], options = {}) =>
        unsafe(text, values, { ...(options as object), prepare: isKept(text) }),
    begin: inside,
    savepoint: inside,
  });
}

type Work = (tx: postgres.TransactionSql) => unknown;
