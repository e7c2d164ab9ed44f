/**
 * Stands in the Worker's bundle for drizzle's columns of type numeric, by an alias of wrangler.jsonc: no table has one. What is
 * bound to a query is still asked whether it is of this kind.
 * @public
 */
export const PgNumeric = Object.assign(function notAtTheEdge() {}, {
  [Symbol.for("drizzle:entityKind")]: "PgNumeric",
});
