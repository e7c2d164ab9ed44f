import { forgiveAttempt, takeAttempt } from "@earshot/shared/db/sign-in-delays";
import { findUserWithPassword } from "@earshot/shared/db/sign-in";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps, Passwords } from "../deps.ts";
import type { AppContext } from "../env.ts";
import { networkOfClient } from "../middleware/rate-limit.ts";
import { beginSession } from "./begin-session.ts";
import type { BegunSession } from "./begin-session.ts";

/** The deployment's passwords. @throws AppError `not_found` where it has none. */
export function requirePasswords({ passwords }: Pick<Deps, "passwords">): Passwords {
  if (passwords === null) throw new AppError("not_found");
  return passwords;
}

/**
 * Signs somebody in by his password. Unknown and known addresses cost the same queries and the same hash. Who fails has to
 * wait longer each time, by the address he comes from: he slows down nobody else.
 */
export async function signInByPassword(
  c: AppContext,
  deps: Pick<Deps, "db" | "passwords">,
  shown: { email: string; password: string; accountId: string | null },
): Promise<BegunSession> {
  const userId = await provePassword(c, deps, shown);
  if (userId === null) {
    throw new AppError("unauthorized", { message: "The address or the password is not right." });
  }
  const { accountId } = shown;
  return deps.db.transaction((tx) =>
    beginSession(c, tx, { userId, accountId, kind: "browser", clientName: null, by: "password" }),
  );
}

/** Whose password it is, or null. @throws AppError `rate_limited` when the address has to wait. */
async function provePassword(
  c: AppContext,
  deps: Pick<Deps, "db" | "passwords">,
  { email, password }: { email: string; password: string },
): Promise<string | null> {
  const passwords = requirePasswords(deps);
  const source = networkOfClient(c);
  const retryAfterSeconds = await takeAttempt(deps.db, source);
  if (retryAfterSeconds > 0) {
    throw new AppError("rate_limited", {
      message: `Too many passwords were wrong: come back in ${retryAfterSeconds} s.`,
      detail: { retryAfterSeconds },
    });
  }
  const user = await findUserWithPassword(deps.db, email);
  if (!(await passwords.matches(password, user?.passwordHash ?? null)) || user === null) return null;
  await forgiveAttempt(deps.db, source);
  return user.id;
}
