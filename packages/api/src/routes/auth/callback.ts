import type { Handler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";
import { note } from "../../env.ts";
import { writeSessionCookie } from "../../session-cookie.ts";
import { takeFlow } from "../../sign-in/flow-cookie.ts";
import { finishFlow, signInProviders } from "../../sign-in/provider-sign-in.ts";
import { signInPerson } from "../../sign-in/sign-in-person.ts";

type CallbackDeps = Pick<Deps, "db" | "providers" | "sealKeys" | "clock" | "tokens">;

/** GET /v1/auth/callback: a browser comes back from where it signed in. */
export function getCallback(deps: CallbackDeps): Handler<AppEnv> {
  return async function getCallback(c) {
    const { code, state, iss, error } = c.req.query();
    const flow = await takeFlow(c, deps);
    const provider = signInProviders(deps).find(({ config }) => config.issuer === flow?.issuer);
    if (error !== undefined) note(c, { sign_in_error: error.slice(0, 64) });
    if (flow === null || provider === undefined || code === undefined || state === undefined) {
      throw new AppError("unauthorized", { message: "This sign-in can't be finished: begin it anew." });
    }
    const person = await finishFlow(provider, flow, { code, state, iss }, deps);
    const session = await deps.db.transaction((tx) =>
      signInPerson(c, tx, provider.config, person, flow.accountId),
    );
    writeSessionCookie(c, session.token, session.expiresAt);
    return c.redirect(flow.returnTo, 303);
  };
}
