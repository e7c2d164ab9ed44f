import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listApiKeys as list } from "@earshot/shared/db/api-keys";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PageQuery } from "../page-query.ts";
import { ApiKey, keyBody } from "./key-body.ts";

const ApiKeyList = doc(() =>
  z
    .object({ data: z.array(ApiKey), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "ApiKeyList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/api-keys",
  summary: doc("List API keys, the newest first, revoked and expired ones too"),
  middleware: authorize("keys:read"),
  request: { query: PageQuery },
  responses: doc(() => ({
    200: {
      description: "A page of keys, without their secrets.",
      content: { "application/json": { schema: ApiKeyList } },
    },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listApiKeys(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const { accountId } = c.var.principal;
    const thisList = JSON.stringify(["api-keys", accountId]);
    const after = cursor === undefined ? null : (await requirePlace(cursor, thisList, "apiKey")).id;
    const { keys, hasMore } = await list(db, accountId, { after, limit });
    const last = hasMore ? keys.at(-1) : undefined;
    const page = {
      data: keys.map((key) => keyBody(key, clock())),
      has_more: hasMore,
      next_cursor: last === undefined ? null : await writeCursor(last, thisList),
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}
