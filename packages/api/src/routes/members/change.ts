import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { changeRole, findMember } from "@earshot/shared/db/members";
import { AppError } from "@earshot/shared/domain/errors";
import { ROLE_SCOPES } from "@earshot/shared/domain/scopes";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { lastOwner } from "./last-owner.ts";
import { Member, memberBody, Role } from "./member-body.ts";
import { auditRevokedKeys } from "./revoked-keys.ts";

const MemberChange = z.strictObject({ role: Role }).meta({ id: doc("MemberChange") });

const route = createRoute({
  method: "patch",
  path: "/v1/members/{id}",
  summary: doc("Give a member another role; his sessions end, and keys of his that may do more than he"),
  middleware: authorize("members:write"),
  request: {
    params: IdParams,
    body: { required: true, content: { "application/json": { schema: MemberChange } } },
  },
  responses: doc(() => ({
    200: { description: "The member.", content: { "application/json": { schema: Member } } },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "body_too_large",
      "unsupported_content_type",
    ),
  })),
});

export function changeMember(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("user", c.req.valid("param").id);
    const { role } = c.req.valid("json");
    const { principal } = c.var;
    const { accountId } = principal;
    const member = await db.transaction(async (tx) => {
      const before = await findMember(tx, accountId, id);
      if (before === null) throw new AppError("not_found");
      // Nobody raises himself or others above what he is, nor touches who is above him.
      refuseBroader(principal, [...ROLE_SCOPES[before.role], ...ROLE_SCOPES[role]]);
      const { outcome, revokedKeys } = await changeRole(tx, accountId, id, role);
      if (outcome === "no_member") throw new AppError("not_found");
      if (outcome === "last_owner") throw lastOwner();
      if (outcome === "changed") {
        const detail = { from: before.role, to: role };
        await audit(c, tx, { action: "member.change_role", target: id, detail });
        await auditRevokedKeys(c, tx, revokedKeys);
      }
      return { ...before, role };
    });
    return c.json(memberBody(member), 200);
  });
}
