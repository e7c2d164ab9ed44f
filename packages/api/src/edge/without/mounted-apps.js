/**
 * Stands in the Worker's bundle for hono's mounting of other frameworks' apps, by an alias of wrangler.jsonc: none is.
 * @public
 */
export function createMountedRequest() {
  throw new Error("not at the edge");
}
