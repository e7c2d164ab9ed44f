import type { Handler } from "hono";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";
import { docsPage } from "./page.ts";

/** Nothing runs, nothing is framed, and the one thing that is loaded is our own stylesheet. */
const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** GET /docs: the contract of openapi.json for people. */
export function getDocs({ document }: Pick<Deps, "document">): Handler<AppEnv> {
  let page: string | undefined;
  return async function getDocs(c) {
    page ??= docsPage(await document());
    return c.body(page, 200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "public, max-age=3600",
    });
  };
}
