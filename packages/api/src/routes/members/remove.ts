import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { idPattern } from "@earshot/shared/crypto/ids";
import type { Database } from "@earshot/shared/db/database";
import { findMember, removeMember as remove, withdrawInvitation } from "@earshot/shared/db/members";
import { AppError } from "@earshot/shared/domain/errors";
import { ROLE_SCOPES } from "@earshot/shared/domain/scopes";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { auditRevokedKeys } from "./revoked-keys.ts";
import { lastOwner } from "./last-owner.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/members/{id}",
  summary: doc("Remove a member, whose sessions and keys end at once, or withdraw an invitation"),
  middleware: authorize("members:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: {
      description:
        "Gone, and every key that he had made for himself or others. A key that another member has rotated since is that member's.",
    },
    ...problems("forbidden", "not_found", "conflict"),
  })),
});

export function removeMember(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await db.transaction((tx) =>
      idPattern("invitation").test(id) ? withdraw(c, tx, id) : removeFrom(c, tx, requireId("user", id)),
    );
    return c.body(null, 204);
  });
}

async function removeFrom(c: AppContext, tx: Database, userId: string): Promise<void> {
  const { principal } = c.var;
  const member = await findMember(tx, principal.accountId, userId);
  if (member === null) throw new AppError("not_found");
  refuseBroader(principal, ROLE_SCOPES[member.role]);
  const { outcome, revokedKeys } = await remove(tx, principal.accountId, userId);
  if (outcome === "no_member") throw new AppError("not_found");
  if (outcome === "last_owner") throw lastOwner();
  await audit(c, tx, { action: "member.remove", target: userId, detail: { role: member.role } });
  await auditRevokedKeys(c, tx, revokedKeys);
}

async function withdraw(c: AppContext, tx: Database, id: string): Promise<void> {
  if (!(await withdrawInvitation(tx, c.var.principal.accountId, id))) throw new AppError("not_found");
  await audit(c, tx, { action: "member.withdraw_invitation", target: id });
}
