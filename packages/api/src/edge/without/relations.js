/**
 * Stands in the Worker's bundle for drizzle's relational queries and counts, by aliases of wrangler.jsonc: every query of ours is a
 * select, an insert, an update, a delete or SQL.
 */

/** @public The schema has no relations. */
export function extractTablesRelationalConfig() {
  return { tables: {}, tableNamesMap: {} };
}

function notAtTheEdge() {
  throw new Error("not at the edge");
}

/** @public */
export {
  notAtTheEdge as Many,
  notAtTheEdge as One,
  notAtTheEdge as PgCountBuilder,
  notAtTheEdge as PgRefreshMaterializedView,
  notAtTheEdge as RelationalQueryBuilder,
  notAtTheEdge as createTableRelationsHelpers,
  notAtTheEdge as getOperators,
  notAtTheEdge as getOrderByOperators,
  notAtTheEdge as mapRelationalRow,
  notAtTheEdge as normalizeRelation,
};
