/** Stands in for `hono`: an app that lives for one request matches it line by line, rather than compile all routes for it. */
export { Hono } from "hono/quick";
