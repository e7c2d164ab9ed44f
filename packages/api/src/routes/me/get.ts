import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { App } from "../../env.ts";
import { problems } from "../answers.ts";

const Me = z
  .object({ account_id: z.string(), key_id: z.string(), scopes: z.array(z.string()) })
  .meta({ id: "Me" });

const route = createRoute({
  method: "get",
  path: "/v1/me",
  summary: "Who this credential is",
  responses: {
    200: {
      description: "The account, the key and what it may do.",
      content: { "application/json": { schema: Me } },
    },
    ...problems(),
  },
});

export function getMe(app: App): void {
  app.openapi(route, (c) => {
    const { accountId, keyId, scopes } = c.var.principal;
    return c.json({ account_id: accountId, key_id: keyId, scopes: [...scopes] }, 200);
  });
}
