import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findBox, revokeBox as revoke } from "@earshot/shared/db/boxes";
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
  path: "/v1/boxes/{id}",
  summary: doc(
    "Revoke a machine: its database login and its sessions end at once, and another takes up its jobs",
  ),
  middleware: authorize("boxes:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "The machine is out, now or before." },
    ...problems("forbidden", "not_found"),
  })),
});

export function revokeBox(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("box", c.req.valid("param").id);
    await db.transaction(async (tx) => {
      if ((await findBox(tx, c.var.principal.accountId, id)) === null) throw new AppError("not_found");
      if (await revoke(tx, id)) await audit(c, tx, { action: "box.revoke", target: id });
    });
    note(c, { box_id: id });
    return c.body(null, 204);
  });
}
