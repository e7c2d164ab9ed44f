import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";

/** Of every answer. A route that needs another policy for what it shows, or may be kept, says so itself. */
export const SECURITY_HEADERS = {
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** What would tell of whom we are made. */
const BANNERS = ["Server", "X-Powered-By"];

/** Browsers neither frame, guess at, nor keep what the API answers. */
export function securityHeaders(): MiddlewareHandler<AppEnv> {
  return async function securityHeaders(c, next) {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!headers.has(name)) headers.set(name, value);
    for (const banner of BANNERS) headers.delete(banner);
  };
}
