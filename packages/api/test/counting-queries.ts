import type { Database } from "@earshot/shared/db/database";

const QUERIES = ["select", "update", "insert", "delete", "execute", "transaction", "$count"];

export function isQuery(property: string | symbol): boolean {
  return QUERIES.includes(String(property));
}

/** The same database, and how many questions were asked of it; a transaction is one. */
export function countingQueries(db: Database): { db: Database; count(): number } {
  let queries = 0;
  const counted = new Proxy(db, {
    get(target, property, receiver) {
      if (isQuery(property)) queries += 1;
      return Reflect.get(target, property, receiver);
    },
  });
  return { db: counted, count: () => queries };
}
