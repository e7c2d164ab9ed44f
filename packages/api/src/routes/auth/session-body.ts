import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { BegunSession } from "../../sign-in/begin-session.ts";

/** Its secret is in the cookie alone. */
export const BegunSessionBody = doc(() =>
  z
    .object({ session_id: z.string(), account_id: z.string(), expires_at: z.iso.datetime() })
    .meta({ id: "BegunSession" }),
);

export function begunSessionBody(session: BegunSession): z.output<typeof BegunSessionBody> {
  const { id, accountId, expiresAt } = session;
  return { session_id: id, account_id: accountId, expires_at: expiresAt.toISOString() };
}
