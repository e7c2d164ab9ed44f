import type { Database } from "@earshot/shared/db/database";
import { createSession } from "@earshot/shared/db/sessions";
import { membershipsOf } from "@earshot/shared/db/sign-in";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../audit.ts";
import type { AppContext } from "../env.ts";

export interface BegunSession {
  id: string;
  accountId: string;
  token: string;
  expiresAt: Date;
}

interface Beginning {
  userId: string;
  /** Which of his accounts; the one that he has been in for longest without it. */
  accountId: string | null;
  kind: "browser" | "device";
  clientName: string | null;
  /** How he proved who he is, for the audit log. */
  by: string;
}

/** Signs somebody in whose identity is proven. @throws AppError `forbidden` when he is a member of nothing. */
export async function beginSession(c: AppContext, tx: Database, beginning: Beginning): Promise<BegunSession> {
  const { userId, kind, clientName, by } = beginning;
  const memberships = await membershipsOf(tx, userId);
  const accountId = (
    beginning.accountId === null
      ? memberships[0]
      : memberships.find((membership) => membership.accountId === beginning.accountId)
  )?.accountId;
  if (accountId === undefined) {
    throw new AppError("forbidden", {
      message: "You are in no account here: ask somebody who is to invite you.",
    });
  }
  const session = await createSession(tx, { accountId, userId, kind, clientName, ip: c.var.clientIp });
  await audit(c, tx, {
    accountId,
    actor: { kind: "session", id: session.id },
    action: "session.begin",
    target: session.id,
    detail: { user_id: userId, by, kind },
  });
  return { id: session.id, accountId, token: session.token, expiresAt: session.expiresAt };
}
