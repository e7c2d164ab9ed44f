import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { invite } from "@earshot/shared/db/members";
import { ROLE_SCOPES } from "@earshot/shared/domain/scopes";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { actorName } from "../../principal.ts";
import { problems } from "../answers.ts";
import { emailAddress } from "../auth/email-address.ts";
import { Invitation, invitationBody, Role } from "./member-body.ts";

const OPEN_SECONDS = 7 * 24 * 3600;

const InvitationRequest = z
  .strictObject({ email: emailAddress, role: Role })
  .meta({ id: doc("InvitationRequest") });

const NewInvitation = doc(() =>
  Invitation.extend({
    token: z
      .string()
      .describe("Hand it to the one who is meant: it accepts the invitation, once. It is shown this once."),
  }).meta({ id: "NewInvitation" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/members",
  summary: doc("Invite somebody into the account"),
  middleware: authorize("members:write"),
  request: { body: { required: true, content: { "application/json": { schema: InvitationRequest } } } },
  responses: doc(() => ({
    201: {
      description:
        "Whoever signs in by an issuer that vouches for this address is a member from then on; so is who brings the token.",
      content: { "application/json": { schema: NewInvitation } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

export function inviteMember(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { email, role } = c.req.valid("json");
    const { principal } = c.var;
    refuseBroader(principal, ROLE_SCOPES[role]);
    const token = newSecret();
    const tokenHash = await sha256Hex(token);
    const invitation = await db.transaction(async (tx) => {
      const { accountId } = principal;
      const createdBy = actorName(principal);
      const made = await invite(tx, { accountId, email, role, tokenHash, createdBy, seconds: OPEN_SECONDS });
      await audit(c, tx, { action: "member.invite", target: made.id, detail: { email, role } });
      return made;
    });
    return c.json({ ...invitationBody(invitation), token }, 201, { "Cache-Control": "no-store" });
  });
}
