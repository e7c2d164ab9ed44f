import { html } from "hono/html";
import type { Handler } from "hono";
import { idPattern } from "@earshot/shared/crypto/ids";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { AppContext, AppEnv } from "../../env.ts";
import type { Provider } from "../../oidc/provider.ts";
import { writeFlow } from "../../sign-in/flow-cookie.ts";
import { answerPage } from "../../sign-in/page.ts";
import { signInProviders, startFlow } from "../../sign-in/provider-sign-in.ts";
import { safeReturnTo } from "../../sign-in/return-to.ts";

type LoginDeps = Pick<Deps, "providers" | "passwords" | "sealKeys" | "clock" | "tokens">;

/** GET /v1/auth/login: to the one place where people sign in, or a page that lets them choose. */
export function getLogin(deps: LoginDeps): Handler<AppEnv> {
  return async function getLogin(c) {
    const providers = signInProviders(deps);
    const issuer = c.req.query("issuer");
    const only = providers.length === 1 && deps.passwords === null ? providers[0] : undefined;
    const chosen = issuer === undefined ? only : providers.find(({ config }) => config.issuer === issuer);
    if (chosen !== undefined) return toProvider(c, deps, chosen);
    if (issuer !== undefined) throw new AppError("not_found");
    return loginPage(c, deps);
  };
}

async function toProvider(c: AppContext, deps: LoginDeps, provider: Provider): Promise<Response> {
  const returnTo = safeReturnTo(c.req.query("return_to"));
  const wanted = c.req.query("account_id") ?? "";
  const accountId = idPattern("account").test(wanted) ? wanted : null;
  const hint = c.req.query("login_hint")?.slice(0, 256);
  const { url, flow } = await startFlow(provider, { returnTo, accountId }, deps, hint);
  await writeFlow(c, deps, flow);
  return c.redirect(url, 302);
}

/** Also what is shown when a password was wrong. */
export function loginPage(
  c: AppContext,
  deps: LoginDeps,
  { returnTo = safeReturnTo(c.req.query("return_to")), problem = "", status = 200 as 200 | 401 | 429 } = {},
): Promise<Response> {
  const providers = signInProviders(deps);
  if (providers.length === 0 && deps.passwords === null) throw new AppError("not_found");
  const links = providers.map(({ config: { issuer, name } }) => {
    const query = new URLSearchParams({ issuer, return_to: returnTo });
    return html`<p>
      <a href="/v1/auth/login?${query.toString()}">Sign in by ${name ?? new URL(issuer).host}</a>
    </p>`;
  });
  const form = html`<form method="post" action="/v1/auth/login">
    <input type="hidden" name="return_to" value="${returnTo}" />
    <p>
      <label>E-mail <input name="email" type="email" autocomplete="username" required /></label>
    </p>
    <p>
      <label
        >Password <input name="password" type="password" autocomplete="current-password" required
      /></label>
    </p>
    <p><button>Sign in</button></p>
  </form>`;
  const content = html`${problem === "" ? "" : html`<p role="alert">${problem}</p>`}${links}${deps.passwords === null ? "" : form}`;
  return answerPage(c, "Sign in", content, status);
}
