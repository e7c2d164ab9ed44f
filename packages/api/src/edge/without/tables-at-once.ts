/**
 * Stands in the Worker's bundle for drizzle's tables, by an alias of wrangler.jsonc: a table is built when something of it is
 * asked for. There are dozens, and a request needs a few.
 */
import { pgTable as tableOf } from "../../../../shared/node_modules/drizzle-orm/pg-core/table.js";

/** @public */
export * from "../../../../shared/node_modules/drizzle-orm/pg-core/index.js";

type Later = { table?: object; build: () => object };

const HANDLER: ProxyHandler<Later> = {
  get: (later, name) => Reflect.get(built(later), name),
  has: (later, name) => Reflect.has(built(later), name),
  getPrototypeOf: (later) => Reflect.getPrototypeOf(built(later)),
};

function built(later: Later): object {
  return (later.table ??= later.build());
}

/** @public */
export const pgTable: typeof tableOf = ((...args: Parameters<typeof tableOf>) =>
  new Proxy<Later>({ build: () => tableOf(...args) }, HANDLER)) as unknown as typeof tableOf;
