import type { Handler } from "hono";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";

/** Nothing runs, nothing is framed, and the one thing that is loaded is our own stylesheet. */
const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** GET /docs: the contract of openapi.json for people. */
export function getDocs({ docsPage }: Pick<Deps, "docsPage">): Handler<AppEnv> {
  return async function getDocs(c) {
    return c.body(await docsPage(), 200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "public, max-age=3600",
    });
  };
}
