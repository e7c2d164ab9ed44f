import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findApiKey } from "@earshot/shared/db/api-keys";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { ApiKey, keyBody } from "./key-body.ts";

const route = createRoute({
  method: "get",
  path: "/v1/api-keys/{id}",
  summary: doc("One API key, without its secret"),
  middleware: authorize("keys:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The key.", content: { "application/json": { schema: ApiKey } } },
    ...problems("forbidden", "not_found"),
  })),
});

export function getApiKey(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const key = await findApiKey(db, c.var.principal.accountId, requireId("apiKey", c.req.valid("param").id));
    if (key === null) throw new AppError("not_found");
    return c.json(keyBody(key, clock()), 200, { "Cache-Control": "private, no-cache" });
  });
}
