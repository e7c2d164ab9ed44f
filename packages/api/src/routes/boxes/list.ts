import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listBoxes as list } from "@earshot/shared/db/boxes";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PageQuery } from "../page-query.ts";
import { Box, boxBody } from "./box-body.ts";

const BoxList = doc(() =>
  z
    .object({ data: z.array(Box), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "BoxList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/boxes",
  summary: doc("List the machines that this account let in, the newest first, revoked ones too"),
  middleware: authorize("boxes:read"),
  request: { query: PageQuery },
  responses: doc(() => ({
    200: { description: "A page of machines.", content: { "application/json": { schema: BoxList } } },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listBoxes(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const { accountId } = c.var.principal;
    const thisList = JSON.stringify(["boxes", accountId]);
    const after = cursor === undefined ? null : (await requirePlace(cursor, thisList, "box")).id;
    const { boxes, hasMore } = await list(db, accountId, { after, limit });
    const last = hasMore ? boxes.at(-1) : undefined;
    const page = {
      data: boxes.map(boxBody),
      has_more: hasMore,
      next_cursor: last === undefined ? null : await writeCursor(last, thisList),
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}
