/**
 * Stands in the Worker's bundle for zod, by an alias of wrangler.jsonc: all of zod but the object `z` that holds all of zod.
 * Whoever takes that (@hono/zod-openapi does, to hand it on) would keep a parser of JSON Schema and a compiler in the bundle.
 */
export * from "../../../node_modules/zod/v4/classic/external.js";

/** @public */
export const z = undefined;
