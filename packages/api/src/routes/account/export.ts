import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { utf8 } from "@earshot/shared/crypto/bytes";
import { EXPORTED, exportRows } from "@earshot/shared/db/export-account";
import { listTaskResults } from "@earshot/shared/db/jobs/read-job";
import type { Scope } from "@earshot/shared/domain/scopes";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { hasScope } from "../../principal.ts";
import type { Principal } from "../../principal.ts";
import { problems } from "../answers.ts";
import { storedBody, unzipped } from "../jobs/result-bodies.ts";

type ExportDeps = Pick<Deps, "db" | "blobs" | "resultKeys">;

const Line = doc(() =>
  z.looseObject({ type: z.string() }).meta({ id: "ExportLine", description: "Of each line." }),
);

const route = createRoute({
  method: "get",
  path: "/v1/account/export",
  summary: doc("Everything that is kept of this account, one JSON object a line"),
  middleware: authorize("account:read"),
  responses: doc(() => ({
    200: {
      description:
        'Lines `{type, row}`, and `{type: "result", job_id, task, body}` after their job; secrets and hashes of them are left out. What the credential may not read by itself is left out, and the last line names it. The last line is `{type: "end"}`: without it the export is not whole.',
      content: { "application/x-ndjson": { schema: Line } },
    },
    ...problems("forbidden"),
  })),
});

export function exportAccount(app: App, deps: ExportDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.var.principal;
    await audit(c, deps.db, { action: "account.export", target: accountId });
    const headers = {
      "Content-Type": "application/x-ndjson",
      "Content-Disposition": `attachment; filename="${accountId}.ndjson"`,
      "Cache-Control": "no-store",
    };
    return c.body(ReadableStream.from(linesOf(deps, c.var.principal)), 200, headers) as never;
  });
}

/** Pulled by the reader: a slow one holds no more than a page of rows and a piece of a result. */
async function* linesOf(deps: ExportDeps, principal: Principal): AsyncGenerator<Uint8Array> {
  const maySee = (scope: Scope) => hasScope(principal, scope);
  let rows = 0;
  for await (const { type, row } of exportRows(deps.db, principal.accountId, maySee)) {
    yield utf8(`${JSON.stringify({ type, row })}\n`);
    if (type === "job") yield* resultsOf(deps, String(row["id"]));
    rows += 1;
  }
  const leftOut = EXPORTED.filter(({ scope }) => !maySee(scope)).map(({ type }) => type);
  yield utf8(`${JSON.stringify({ type: "end", rows, left_out: leftOut })}\n`);
}

/** Bodies are JSON on one line already, and go out as they come. */
async function* resultsOf({ db, blobs, resultKeys }: ExportDeps, jobId: string): AsyncGenerator<Uint8Array> {
  for (const result of await listTaskResults(db, jobId)) {
    const body = await storedBody(result, resultKeys);
    const head = JSON.stringify({ type: "result", job_id: jobId, task: result.task });
    yield utf8(`${head.slice(0, -1)},"body":`);
    if ("text" in body) yield utf8(body.text);
    else yield* await unzipped(blobs, body);
    yield utf8("}\n");
  }
}
