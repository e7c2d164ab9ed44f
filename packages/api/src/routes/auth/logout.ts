import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { revokeSession } from "@earshot/shared/db/sessions";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { clearSessionCookie } from "../../session-cookie.ts";
import { problems } from "../answers.ts";
import { requirePerson } from "./person.ts";

const route = createRoute({
  method: "post",
  path: "/v1/auth/logout",
  summary: doc("End the session that asks"),
  responses: doc(() => ({
    204: { description: "It is refused from now on, wherever its cookie was copied to." },
    ...problems("forbidden"),
  })),
});

export function logout(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { accountId, sessionId } = requirePerson(c.var.principal);
    await db.transaction(async (tx) => {
      await revokeSession(tx, accountId, sessionId);
      await audit(c, tx, { action: "session.logout", target: sessionId });
    });
    c.set("renewedSession", undefined);
    clearSessionCookie(c);
    return c.body(null, 204);
  });
}
