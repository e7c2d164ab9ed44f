import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import type { Database } from "@earshot/shared/db/database";
import { addMember, createUser } from "@earshot/shared/db/members";
import { takeInvitation } from "@earshot/shared/db/sign-in";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App, AppContext } from "../../env.ts";
import { invalid } from "../../problem.ts";
import { writeSessionCookie } from "../../session-cookie.ts";
import { beginSession } from "../../sign-in/begin-session.ts";
import type { BegunSession } from "../../sign-in/begin-session.ts";
import { requirePasswords } from "../../sign-in/sign-in-by-password.ts";
import { problems } from "../answers.ts";
import { emailAddress } from "./email-address.ts";
import { openBody } from "./open-body.ts";
import { BegunSessionBody, begunSessionBody } from "./session-body.ts";

const AcceptRequest = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(128)
      .describe(doc("Of the invitation, or of the file `first-owner` in EARSHOT_HOME.")),
    email: emailAddress
      .optional()
      .describe(doc("Of the first owner, whom nobody has invited by an address.")),
    name: z.string().trim().min(1).max(200).optional(),
    password: z.string().min(12).max(256),
  })
  .meta({ id: doc("AcceptRequest") });

const route = createRoute({
  method: "post",
  path: "/v1/auth/accept",
  summary: doc(
    "Accept an invitation and choose a password, where the deployment has them; the answer sets the session's cookie",
  ),
  security: [],
  middleware: openBody(),
  request: { body: { required: true, content: { "application/json": { schema: AcceptRequest } } } },
  responses: doc(() => ({
    201: { description: "Signed in.", content: { "application/json": { schema: BegunSessionBody } } },
    ...problems(
      "validation_failed",
      "not_found",
      "conflict",
      "rate_limited",
      "body_too_large",
      "unsupported_content_type",
    ),
  })),
});

export function acceptInvitation(app: App, deps: Pick<Deps, "db" | "passwords">): void {
  app.openapi(route, async (c) => {
    const passwords = requirePasswords(deps);
    const request = c.req.valid("json");
    const tokenHash = await sha256Hex(request.token);
    // Outside the transaction: it takes its time, and whoever guesses tokens pays for it as well.
    const passwordHash = await passwords.hash(request.password);
    const session = await deps.db.transaction((tx) => accept(c, tx, { ...request, tokenHash, passwordHash }));
    writeSessionCookie(c, session.token, session.expiresAt);
    return c.json(begunSessionBody(session), 201);
  });
}

interface Acceptance {
  tokenHash: string;
  passwordHash: string;
  email?: string | undefined;
  name?: string | undefined;
}

/** What fails leaves the invitation open. */
async function accept(c: AppContext, tx: Database, acceptance: Acceptance): Promise<BegunSession> {
  const invitation = await takeInvitation(tx, acceptance.tokenHash);
  if (invitation === null) {
    throw new AppError("unauthorized", { message: "There is no open invitation of this token." });
  }
  const email = invitation.email ?? acceptance.email;
  if (email === undefined) throw invalid("/email", "The first owner says his address.");
  const { accountId, role } = invitation;
  const { passwordHash, name = null } = acceptance;
  const userId = await createUser(tx, { email, name, passwordHash });
  if (userId === null) {
    throw new AppError("conflict", { message: "Somebody signs in with this address already." });
  }
  await addMember(tx, { accountId, userId, role });
  await audit(c, tx, {
    accountId,
    action: "member.accept_invitation",
    target: invitation.id,
    detail: { user_id: userId, role },
  });
  return beginSession(c, tx, { userId, accountId, kind: "browser", clientName: null, by: "invitation" });
}
