import type { Handler } from "hono";
import type { AppEnv } from "../../env.ts";

/** GET /docs/style.css: a file of its own, because the page allows nothing inline. */
export function getDocsStyle(): Handler<AppEnv> {
  return function getDocsStyle(c) {
    return c.body(STYLE, 200, {
      "Content-Type": "text/css; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "public, max-age=3600",
    });
  };
}

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 56rem; margin: 0 auto; padding: 1rem; }
code { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
section { border-top: 1px solid #8886; padding: 0.5rem 0; }
h2 code { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid #8883; }
th { font-weight: 600; }
`;
