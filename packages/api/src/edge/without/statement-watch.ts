/**
 * Stands in the Worker's bundle for the watch over statements on connections that are dead without a word, by an alias of
 * wrangler.jsonc: Hyperdrive keeps those connections, and `node:net` need not be loaded before the first one.
 * @public
 */
export function StatementWatch(): never {
  throw new Error("not at the edge");
}
