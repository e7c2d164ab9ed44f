import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { ROLES } from "@earshot/shared/domain/scopes";
import type { App } from "../../env.ts";

import { problems } from "../answers.ts";

const Me = doc(() =>
  z
    .object({
      account_id: z.string(),
      actor: z.object({ kind: z.enum(["api_key", "session", "token", "oidc"]), id: z.string() }),
      key_id: z.string().optional().describe("Of an API key, the same as the actor's id."),
      role: z.enum(ROLES).optional().describe("Of a person."),
      scopes: z.array(z.string()),
    })
    .meta({ id: "Me" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/me",
  summary: doc("Who this credential is"),
  responses: doc(() => ({
    200: {
      description: "The account, who calls for it, and what that one may do.",
      content: { "application/json": { schema: Me } },
    },
    ...problems(),
  })),
});

export function getMe(app: App): void {
  app.openapi(route, (c) => {
    const { accountId, actor, role, scopes } = c.var.principal;
    const me = { account_id: accountId, actor, scopes: [...scopes] };
    const key = actor.kind === "api_key" ? { key_id: actor.id } : {};
    return c.json({ ...me, ...key, ...(role !== undefined && { role }) }, 200);
  });
}
