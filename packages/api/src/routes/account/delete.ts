import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { deleteAccount as remove } from "@earshot/shared/db/delete-account";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { invalid } from "../../problem.ts";
import { problems } from "../answers.ts";

const Deleted = doc(() =>
  z.object({ id: z.string(), status: z.literal("deleting") }).meta({ id: "DeletedAccount" }),
);

const route = createRoute({
  method: "delete",
  path: "/v1/account",
  summary: doc("Delete this account for good, with everything in it"),
  // Of people, an owner's alone.
  middleware: authorize("account:write"),
  request: {
    query: z.strictObject({
      confirm: z
        .string()
        .max(64)
        .optional()
        .describe(doc("The account's id, as `GET /v1/me` tells it: this can't be undone.")),
    }),
  },
  responses: doc(() => ({
    202: {
      description:
        "Its keys and sessions are dead. Jobs, audio, results, events and members go within minutes; the audit trail stays.",
      content: { "application/json": { schema: Deleted } },
    },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function deleteAccount(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.var.principal;
    if (c.req.valid("query").confirm !== accountId)
      throw invalid("/query/confirm", "This is not the account's id.", "not_confirmed");
    await db.transaction(async (tx) => {
      if (await remove(tx, accountId)) await audit(c, tx, { action: "account.delete", target: accountId });
    });
    return c.json({ id: accountId, status: "deleting" as const }, 202);
  });
}
