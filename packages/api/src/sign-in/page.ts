import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { AppContext } from "../env.ts";

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** Nothing runs, nothing is framed; forms go to this site alone. */
const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** A page of plain HTML. What is put into `content` by its template is escaped. */
export async function answerPage(
  c: AppContext,
  title: string,
  content: Html,
  status: 200 | 400 | 401 | 404 | 429 = 200,
): Promise<Response> {
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · Earshot</title>
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;
  return c.body(String(page), status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
  });
}
