import { AppError } from "@earshot/shared/domain/errors";
import type { Principal } from "../../principal.ts";

export interface Person {
  accountId: string;
  userId: string;
  sessionId: string;
}

/** Who is signed in. @throws AppError `forbidden` for keys and tokens: they have no sessions. */
export function requirePerson({ accountId, userId, actor }: Principal): Person {
  if (userId === undefined || actor.kind !== "session") {
    throw new AppError("forbidden", { message: "This is for people who are signed in." });
  }
  return { accountId, userId, sessionId: actor.id };
}
