import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import type { Handler } from "hono";
import * as z from "zod";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App, AppEnv } from "../../env.ts";
import { refuseForeign } from "../../middleware/same-site.ts";
import { writeSessionCookie } from "../../session-cookie.ts";
import { safeReturnTo } from "../../sign-in/return-to.ts";
import { requirePasswords, signInByPassword } from "../../sign-in/sign-in-by-password.ts";
import { problems } from "../answers.ts";
import { emailAddress } from "./email-address.ts";
import { loginPage } from "./login.ts";
import { openBody } from "./open-body.ts";
import { BegunSessionBody, begunSessionBody } from "./session-body.ts";

const PasswordRequest = z
  .strictObject({
    email: emailAddress,
    password: z.string().min(1).max(256),
    account_id: z.string().max(64).optional().describe(doc("Which account, for those who are in several.")),
  })
  .meta({ id: doc("PasswordRequest") });

const route = createRoute({
  method: "post",
  path: "/v1/auth/password",
  summary: doc("Sign in by a password, where the deployment has them; the answer sets the session's cookie"),
  security: [],
  middleware: openBody(),
  request: { body: { required: true, content: { "application/json": { schema: PasswordRequest } } } },
  responses: doc(() => ({
    200: { description: "Signed in.", content: { "application/json": { schema: BegunSessionBody } } },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "rate_limited",
      "body_too_large",
      "unsupported_content_type",
    ),
  })),
});

type PasswordDeps = Pick<Deps, "db" | "passwords">;

export function postPassword(app: App, deps: PasswordDeps): void {
  app.openapi(route, async (c) => {
    requirePasswords(deps);
    const { email, password, account_id: accountId = null } = c.req.valid("json");
    const session = await signInByPassword(c, deps, { email, password, accountId });
    writeSessionCookie(c, session.token, session.expiresAt);
    return c.json(begunSessionBody(session), 200);
  });
}

type FormDeps = PasswordDeps & Pick<Deps, "providers" | "sealKeys" | "clock" | "tokens" | "corsOrigins">;

/** POST /v1/auth/login: the form of the page. */
export function postLogin(deps: FormDeps): Handler<AppEnv> {
  return async function postLogin(c) {
    requirePasswords(deps);
    // Else a page elsewhere could sign its visitors in as somebody of its own.
    refuseForeign(c, deps);
    const form = new URLSearchParams(new TextDecoder().decode(c.var.rawBody));
    const returnTo = safeReturnTo(form.get("return_to") ?? undefined);
    const shown = PasswordRequest.safeParse({ email: form.get("email"), password: form.get("password") });
    try {
      if (!shown.success)
        throw new AppError("unauthorized", { message: "An address and a password are needed." });
      const session = await signInByPassword(c, deps, { ...shown.data, accountId: null });
      writeSessionCookie(c, session.token, session.expiresAt);
      return c.redirect(returnTo, 303);
    } catch (error) {
      if (!(error instanceof AppError) || (error.code !== "unauthorized" && error.code !== "rate_limited"))
        throw error;
      const status = error.code === "unauthorized" ? 401 : 429;
      return loginPage(c, deps, { returnTo, problem: error.message, status });
    }
  };
}
