import type { Role } from "@earshot/shared/domain/scopes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { Browser } from "../browser.ts";
import { CALLBACK } from "../sign-in-rules.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const SESSION = "__Host-earshot";
const FLOW = "__Host-earshot-sign-in";

/** Signing in at a provider elsewhere (OIDC code flow), the same in every runtime. */
export function describeSignIn(open: OpenFrontDoor): void {
  describe("signing in", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const newEmail = () => `${crypto.randomUUID()}@example.com`;
    const invite = async (email: string, role: Role = "member", as = door.caller) => {
      const response = await door.send("POST", "/v1/members", { json: { email, role }, as });
      expect(response.status).toBe(201);
    };

    /** To the provider, and back to the address that it sends the browser to. */
    async function go(browser: Browser, who: string, query: Record<string, string> = {}): Promise<URL> {
      const login = new URLSearchParams({ login_hint: who, ...query });
      const response = await browser.ask("GET", `/v1/auth/login?${login}`);
      expect(response.status).toBe(302);
      return browser.walk(response.headers.get("Location") ?? "", CALLBACK);
    }

    const comeBack = (browser: Browser, back: URL) => browser.ask("GET", back.pathname + back.search);

    async function signIn(browser: Browser, who: string, query = {}): Promise<Response> {
      return comeBack(browser, await go(browser, who, query));
    }

    test("who was invited signs in, is a member from then on, and comes back without an invitation", async () => {
      const email = newEmail();
      await invite(email, "admin");
      const browser = new Browser(door);
      const answer = await signIn(browser, email.toUpperCase(), { return_to: "/v1/me?x=1" });
      expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/v1/me?x=1"]);
      expect(browser.cookies.has(FLOW)).toBe(false);
      const [set = ""] = answer.headers.getSetCookie().filter((line) => line.startsWith(`${SESSION}=`));
      for (const part of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"]) expect(set).toContain(part);
      expect(await bodyOf(await browser.ask("GET", "/v1/me"))).toMatchObject({
        account_id: door.caller.accountId,
        actor: { kind: "session" },
        role: "admin",
      });
      const again = new Browser(door);
      expect((await signIn(again, email.toUpperCase())).status).toBe(303);
      expect(again.cookies.get(SESSION)).not.toBe(browser.cookies.get(SESSION));
    });

    test("the browser is sent with PKCE, a state and a nonce, and with nothing of the secret", async () => {
      const response = await new Browser(door).ask("GET", "/v1/auth/login");
      const { searchParams } = new URL(response.headers.get("Location") ?? "");
      expect(Object.fromEntries(searchParams)).toEqual({
        response_type: "code",
        client_id: "earshot-console",
        redirect_uri: CALLBACK,
        scope: "openid email profile",
        state: expect.stringMatching(/^[\w-]{43}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: "S256",
      });
      const [cookie = ""] = response.headers.getSetCookie();
      expect(cookie).toMatch(/^__Host-earshot-sign-in=v1\..*HttpOnly/);
      expect(cookie).not.toContain(searchParams.get("state"));
    });

    test("who was not invited, or whose address nobody vouches for, is let into nothing", async () => {
      const uninvited = await signIn(new Browser(door), newEmail());
      expect(await refusalOf(uninvited)).toMatchObject({ status: 403 });
      const email = newEmail();
      await invite(email);
      // Another browser: the provider remembers who has signed in to it.
      const impostor = new Browser(door);
      expect((await signIn(impostor, `${email}|impostor|no`)).status).toBe(403);
      expect(impostor.cookies.has(SESSION)).toBe(false);
      // The invitation waits for the right one still.
      expect((await signIn(new Browser(door), email)).status).toBe(303);
    });

    test("an invitation to one account opens no other", async () => {
      const email = newEmail();
      const elsewhere = await door.addCaller();
      await invite(email, "viewer", elsewhere);
      const browser = new Browser(door);
      expect((await signIn(browser, email, { account_id: door.caller.accountId })).status).toBe(403);
      expect((await signIn(browser, email)).status).toBe(303);
      expect(await bodyOf(await browser.ask("GET", "/v1/me"))).toMatchObject({
        account_id: elsewhere.accountId,
        role: "viewer",
      });
    });

    test("an answer is good in the browser that asked, for what it asked, once", async () => {
      const email = newEmail();
      await invite(email);
      const victim = new Browser(door);
      const attacker = new Browser(door);
      const mine = await go(victim, email);
      const his = await go(attacker, email);
      const swapped = new URL(his);
      swapped.searchParams.set("state", mine.searchParams.get("state") ?? "");
      const flow = victim.cookies.get(FLOW) ?? "";
      const stateless = new URL(mine);
      stateless.searchParams.set("state", "A".repeat(43));
      const attempts: [string, Browser, URL][] = [
        ["without the cookie", new Browser(door), mine],
        ["another's answer", victim, his],
        ["another's code", victim, swapped],
        ["another state", victim, stateless],
      ];
      for (const [what, browser, back] of attempts) {
        if (browser === victim) victim.cookies.set(FLOW, flow);
        expect((await comeBack(browser, back)).status, what).toBe(401);
      }
      const fromElsewhere = new URL(mine);
      fromElsewhere.searchParams.set("iss", "https://evil.example");
      victim.cookies.set(FLOW, flow);
      expect((await comeBack(victim, fromElsewhere)).status).toBe(401);
      victim.cookies.set(FLOW, `${flow.slice(0, -2)}AA`);
      expect((await comeBack(victim, mine)).status).toBe(401);
      victim.cookies.set(FLOW, flow);
      expect((await comeBack(victim, mine)).status).toBe(303);
      victim.cookies.set(FLOW, flow);
      expect((await comeBack(victim, mine)).status).toBe(401);
    });

    test.for([
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "javascript:alert(1)",
      "evil",
    ])("nobody is sent on to %j", async (returnTo) => {
      const email = newEmail();
      await invite(email);
      const answer = await signIn(new Browser(door), email, { return_to: returnTo });
      expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/docs"]);
    });

    test("a provider that the deployment does not name is not asked", async () => {
      const response = await new Browser(door).ask("GET", "/v1/auth/login?issuer=https%3A%2F%2Fevil.example");
      expect(response.status).toBe(404);
    });

    test("each sign-in is in the audit log, with how it was proven", async () => {
      const email = newEmail();
      const { accountId } = await door.addCaller();
      const [row] = await door.owner.sql<{ id: string }[]>`
        insert into invitations (id, account_id, email, role, token_hash, created_by, expires_at)
        values (${`inv_${crypto.randomUUID()}`}, ${accountId}, ${email}, 'viewer', ${email}, 'test', now() + interval '1 day')
        returning id`;
      await signIn(new Browser(door), email);
      const rows = await door.owner.sql`
        select action, target, outcome, detail from audit_log where account_id = ${accountId} order by id`;
      expect(rows).toMatchObject([
        { action: "member.accept_invitation", target: row?.id, outcome: "success" },
        {
          action: "session.begin",
          outcome: "success",
          detail: { kind: "browser", by: expect.stringContaining("http://127.0.0.1") },
        },
      ]);
    });
  });
}
