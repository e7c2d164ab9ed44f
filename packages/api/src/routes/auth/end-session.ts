import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { revokeSession } from "@earshot/shared/db/sessions";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { requirePerson } from "./person.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/auth/sessions/{id}",
  summary: doc("End one of your own sessions"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "It is refused from now on." },
    ...problems("forbidden", "not_found"),
  })),
});

export function endSession(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { accountId, userId } = requirePerson(c.var.principal);
    const id = requireId("session", c.req.valid("param").id);
    await db.transaction(async (tx) => {
      if (!(await revokeSession(tx, accountId, id, userId))) throw new AppError("not_found");
      await audit(c, tx, { action: "session.end", target: id });
    });
    return c.body(null, 204);
  });
}
