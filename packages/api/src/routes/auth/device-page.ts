import { html } from "hono/html";
import type { Handler } from "hono";
import { readUserCode } from "@earshot/shared/crypto/user-code";
import { decideDeviceLogin, findDeviceLogin } from "@earshot/shared/db/device-logins";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { AppContext, AppEnv } from "../../env.ts";
import type { PrincipalResolver } from "../../principal.ts";
import { readSessionCookie, writeSessionCookie } from "../../session-cookie.ts";
import { answerPage } from "../../sign-in/page.ts";
import { DEVICE_PAGE } from "./device.ts";
import { requirePerson } from "./person.ts";

/** GET /v1/auth/device: who is signed in is asked whether the device that shows this code is his. */
export function getDevicePage({ db }: Pick<Deps, "db">, resolveCookie: PrincipalResolver): Handler<AppEnv> {
  return async function getDevicePage(c) {
    const typed = c.req.query("user_code") ?? "";
    if (!(await isSignedIn(c, resolveCookie))) return toLogin(c, typed);
    const userCode = readUserCode(typed);
    const login = userCode === null ? null : await findDeviceLogin(db, userCode);
    if (login === null) return askForCode(c, typed === "" ? "" : "No device waits with this code.");
    const content = html`<p>
        A device asks to act for you: <b>${login.clientName}</b>, from ${login.ip ?? "an unknown address"}.
      </p>
      <p>
        Does it show <b>${userCode}</b>? Approve it only if you have just begun this yourself: it can do what
        you can.
      </p>
      <form method="post" action="${DEVICE_PAGE}/decision">
        <input type="hidden" name="user_code" value="${userCode}" />
        <p>
          <button name="decision" value="approve">Approve</button>
          <button name="decision" value="deny">Deny</button>
        </p>
      </form>`;
    return answerPage(c, "Sign in a device", content);
  };
}

/** POST /v1/auth/device/decision: the form of the page. It comes after the session and where it came from are known. */
export function postDeviceDecision({ db }: Pick<Deps, "db">): Handler<AppEnv> {
  return async function postDeviceDecision(c) {
    const { accountId, userId } = requirePerson(c.var.principal);
    const form = new URLSearchParams(new TextDecoder().decode(c.var.rawBody));
    const userCode = readUserCode(form.get("user_code") ?? "");
    const isApproved = form.get("decision") === "approve";
    const isDecided =
      userCode !== null &&
      (await db.transaction(async (tx) => {
        const decision = isApproved
          ? ({ status: "approved", accountId, userId } as const)
          : ({ status: "denied" } as const);
        if (!(await decideDeviceLogin(tx, userCode, decision))) return false;
        await audit(c, tx, { action: isApproved ? "device.approve" : "device.deny", target: null });
        return true;
      }));
    if (!isDecided) return askForCode(c, "No device waits with this code.", 404);
    const told = isApproved
      ? "The device is signed in. You can close this page."
      : "The device was turned away.";
    return answerPage(c, "Sign in a device", html`<p>${told}</p>`);
  };
}

async function isSignedIn(c: AppContext, resolveCookie: PrincipalResolver): Promise<boolean> {
  const token = readSessionCookie(c);
  const isKnown = token !== null && (await resolveCookie(token, c)) !== null;
  const renewed = c.var.renewedSession;
  if (renewed !== undefined) writeSessionCookie(c, renewed.token, renewed.expiresAt);
  return isKnown;
}

function toLogin(c: AppContext, userCode: string): Response {
  const back = `${DEVICE_PAGE}?${new URLSearchParams({ user_code: userCode.slice(0, 16) })}`;
  return c.redirect(`/v1/auth/login?${new URLSearchParams({ return_to: back })}`, 303);
}

function askForCode(c: AppContext, problem: string, status: 200 | 404 = 200): Promise<Response> {
  const content = html`${problem === "" ? "" : html`<p role="alert">${problem}</p>`}
    <form method="get" action="${DEVICE_PAGE}">
      <p>
        <label>The code that the device shows <input name="user_code" autocomplete="off" required /></label>
      </p>
      <p><button>Go on</button></p>
    </form>`;
  return answerPage(c, "Sign in a device", content, status);
}
