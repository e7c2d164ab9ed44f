/**
 * Stands in the Worker's bundle for every type of column that drizzle knows, by an alias of wrangler.jsonc: our tables name
 * those that they use, and none is made by a callback that is handed all.
 * @public
 */
export const getPgColumnBuilders = () => ({});
