/**
 * Stands in the Worker's bundle for `hono`, by an alias of wrangler.jsonc: an app that lives for one request looks through its routes rather
 * than compile them.
 * @public
 */
export { Hono } from "hono/quick";
