import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { deleteSpeaker as remove } from "@earshot/shared/db/speakers";
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
  path: "/v1/speakers/{id}",
  summary: doc("Delete an enrolled speaker and their voice"),
  middleware: authorize("speakers:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "Nothing of them is left but the audit log's lines." },
    ...problems("forbidden", "not_found"),
  })),
});

export function deleteSpeaker(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("speaker", c.req.valid("param").id);
    await db.transaction(async (tx) => {
      if (!(await remove(tx, c.var.principal.accountId, id))) throw new AppError("not_found");
      await audit(c, tx, { action: "speaker.delete", target: id });
    });
    note(c, { speaker_id: id });
    return c.body(null, 204);
  });
}
