import type { Database } from "@earshot/shared/db/database";
import { addMember, createUser } from "@earshot/shared/db/members";
import { createSession } from "@earshot/shared/db/sessions";
import type { Role } from "@earshot/shared/domain/scopes";

export interface TestPerson {
  userId: string;
  sessionId: string;
  /** Of his session, as a cookie carries it. */
  token: string;
}

/** A member of the account who is signed in. */
export async function addPerson(
  db: Database,
  accountId: string,
  role: Role,
  kind: "browser" | "device" = "browser",
): Promise<TestPerson> {
  const email = `${crypto.randomUUID()}@example.com`;
  const userId = await createUser(db, { email, name: "A test's", passwordHash: null });
  if (userId === null) throw new Error("the address is taken");
  await addMember(db, { accountId, userId, role });
  return { userId, ...(await signIn(db, accountId, userId, kind)) };
}

export async function signIn(
  db: Database,
  accountId: string,
  userId: string,
  kind: "browser" | "device" = "browser",
): Promise<{ sessionId: string; token: string }> {
  const session = await createSession(db, { accountId, userId, kind, clientName: null, ip: null });
  return { sessionId: session.id, token: session.token };
}
