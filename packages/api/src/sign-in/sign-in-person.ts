import type { Database } from "@earshot/shared/db/database";
import { accountExists } from "@earshot/shared/db/accounts";
import { addMember, changeRole, findMember } from "@earshot/shared/db/members";
import { takeInvitationsFor, userOfIdentity } from "@earshot/shared/db/sign-in";
import { audit } from "../audit.ts";
import type { AppContext } from "../env.ts";
import { accountOf, roleOf } from "../oidc/claims.ts";
import type { IssuerConfig } from "../oidc/issuer-config.ts";
import { beginSession } from "./begin-session.ts";
import type { BegunSession } from "./begin-session.ts";
import type { ProvenPerson } from "./provider-sign-in.ts";

/**
 * Signs in who has come from an issuer. He gets in by an invitation to the address that the issuer vouches for, or by the
 * deployment's rules for its claims; a role that these give is his role from then on.
 */
export async function signInPerson(
  c: AppContext,
  tx: Database,
  config: IssuerConfig,
  person: ProvenPerson,
  accountId: string | null,
): Promise<BegunSession> {
  const { subject, email, name } = person;
  const userId = await userOfIdentity(tx, { issuer: config.issuer, subject, email: email ?? "", name });
  if (email !== null) await acceptInvitations(c, tx, { userId, email }, ownAccountOf(config));
  await applyRules(tx, config, person, userId);
  return beginSession(c, tx, { userId, accountId, kind: "browser", clientName: null, by: config.issuer });
}

/** An issuer that belongs to one account vouches for nobody in another. */
function ownAccountOf({ account }: IssuerConfig): string | null {
  return account !== undefined && "id" in account ? account.id : null;
}

async function acceptInvitations(
  c: AppContext,
  tx: Database,
  { userId, email }: { userId: string; email: string },
  accountId: string | null,
): Promise<void> {
  for (const invitation of await takeInvitationsFor(tx, email, accountId)) {
    await addMember(tx, { accountId: invitation.accountId, userId, role: invitation.role });
    await audit(c, tx, {
      accountId: invitation.accountId,
      action: "member.accept_invitation",
      target: invitation.id,
      detail: { user_id: userId },
    });
  }
}

async function applyRules(
  tx: Database,
  config: IssuerConfig,
  { claims }: ProvenPerson,
  userId: string,
): Promise<void> {
  const accountId = accountOf(claims, config);
  const role = roleOf(claims, config);
  if (accountId === null || role === null || !(await accountExists(tx, accountId))) return;
  const member = await findMember(tx, accountId, userId);
  if (member === null) await addMember(tx, { accountId, userId, role });
  // A default is for those who come; what somebody was made here it does not undo.
  else if (roleOf(claims, { role: { ...config.role, default: undefined } }) !== null)
    await changeRole(tx, accountId, userId, role);
}
