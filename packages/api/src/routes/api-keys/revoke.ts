import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findApiKey, revokeApiKey as revoke } from "@earshot/shared/db/api-keys";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/api-keys/{id}",
  summary: doc("Revoke an API key: it is refused from now on, and stays in the list"),
  middleware: authorize("keys:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "The key is revoked, now or before." },
    ...problems("forbidden", "not_found"),
  })),
});

export function revokeApiKey(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("apiKey", c.req.valid("param").id);
    const { accountId } = c.var.principal;
    await db.transaction(async (tx) => {
      if ((await revoke(tx, accountId, id)) !== null)
        return audit(c, tx, { action: "api_key.revoke", target: id });
      if ((await findApiKey(tx, accountId, id)) === null) throw new AppError("not_found");
    });
    note(c, { revoked_key_id: id });
    return c.body(null, 204);
  });
}
