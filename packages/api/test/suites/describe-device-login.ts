import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "../answer.ts";
import { Browser } from "../browser.ts";
import { addPerson } from "../person.ts";
import type { TestPerson } from "../person.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

interface Begun {
  device_code: string;
  user_code: string;
  verification_uri_complete: string;
  interval: number;
}

interface Polled {
  access_token?: string;
  error?: string;
}

const PAGE = "/v1/auth/device";

/** Signing in on a device without a browser (RFC 8628), the same in every runtime. */
export function describeDeviceLogin(open: OpenFrontDoor): void {
  describe("a device", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const post = (path: string, json: object) =>
      door.send("POST", path, { json, headers: { Authorization: null } });
    const begin = async () => bodyOf<Begun>(await post(PAGE, { client_name: "a <test>'s laptop" }));
    const poll = async ({ device_code }: Begun) => {
      await door.owner.sql`update device_logins set polled_at = null`;
      return bodyOf<Polled>(await post(`${PAGE}/token`, { device_code }));
    };
    const browserOf = ({ token }: TestPerson) => {
      const browser = new Browser(door);
      browser.cookies.set("__Host-earshot", token);
      return browser;
    };
    const add = () => addPerson(door.owner.db, door.caller.accountId, "member");
    const decide = (browser: Browser, user_code: string, decision: string) =>
      browser.ask("POST", `${PAGE}/decision`, { form: { user_code, decision } });

    test("is signed in as whoever approves its code, once, and until he is no member", async () => {
      const person = await add();
      const begun = await begin();
      expect(begun.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
      expect(begun.verification_uri_complete).toBe(`https://api.test${PAGE}?user_code=${begun.user_code}`);
      expect(await poll(begun)).toMatchObject({ error: "authorization_pending" });
      const browser = browserOf(person);
      const page = await (await browser.ask("GET", `${PAGE}?user_code=${begun.user_code}`)).text();
      expect(page).toContain("a &lt;test&gt;&#39;s laptop");
      expect(page).toContain(begun.user_code);
      expect((await decide(browser, begun.user_code.toLowerCase().replace("-", " "), "approve")).status).toBe(
        200,
      );
      const { access_token: token = "" } = await poll(begun);
      const bearer = { headers: { Authorization: `Bearer ${token}` } };
      expect(await bodyOf(await door.send("GET", "/v1/me", bearer))).toMatchObject({
        actor: { kind: "session" },
        role: "member",
      });
      expect(await poll(begun)).toMatchObject({ error: "expired_token" });
      await door.send("DELETE", `/v1/members/${person.userId}`);
      expect((await door.send("GET", "/v1/me", bearer)).status).toBe(401);
    });

    test("is turned away when somebody says no, and when its time is over", async () => {
      const browser = browserOf(await add());
      const denied = await begin();
      await decide(browser, denied.user_code, "deny");
      expect(await poll(denied)).toMatchObject({ error: "access_denied" });
      expect((await decide(browser, denied.user_code, "approve")).status).toBe(404);
      const late = await begin();
      await door.owner.sql`update device_logins set expires_at = now() where user_code = ${late.user_code}`;
      expect((await decide(browser, late.user_code, "approve")).status).toBe(404);
      expect(await poll(late)).toMatchObject({ error: "expired_token" });
      expect(await poll({ ...late, device_code: "unknown" })).toMatchObject({ error: "expired_token" });
    });

    test("that asks too often is told to slow down", async () => {
      const begun = await begin();
      const ask = async () =>
        (await bodyOf<Polled>(await post(`${PAGE}/token`, { device_code: begun.device_code }))).error;
      expect([await ask(), await ask()]).toEqual(["authorization_pending", "slow_down"]);
      const [row] = await door.owner.sql`
        select interval_seconds from device_logins where user_code = ${begun.user_code}`;
      expect(row).toEqual({ interval_seconds: 10 });
    });

    test("is approved by nobody who isn't signed in, and by no page of another site", async () => {
      const { user_code } = await begin();
      const stranger = new Browser(door);
      expect((await decide(stranger, user_code, "approve")).status).toBe(401);
      const sent = await stranger.ask("GET", `${PAGE}?user_code=${user_code}`);
      expect(sent.status).toBe(303);
      const { searchParams } = new URL(sent.headers.get("Location") ?? "", "https://api.test");
      expect(searchParams.get("return_to")).toBe(`${PAGE}?user_code=${user_code}`);
      const { token } = await add();
      const forged = await door.send("POST", `${PAGE}/decision`, {
        body: new URLSearchParams({ user_code, decision: "approve" }).toString(),
        headers: {
          Authorization: null,
          Cookie: `__Host-earshot=${token}`,
          Origin: "https://evil.example",
          "Content-Type": "application/x-www-form-urlencoded",
        },
      });
      expect(forged.status).toBe(403);
      const byKey = await door.send("POST", `${PAGE}/decision`, {
        body: "",
        headers: { "Content-Type": "text/plain" },
      });
      expect(byKey.status).toBe(403);
    });

    test("finds its page with a session that is renewed on the way", async () => {
      const person = await add();
      await door.owner.sql`
        update sessions set rotated_at = now() - interval '1 hour' where id = ${person.sessionId}`;
      const browser = browserOf(person);
      expect((await browser.ask("GET", PAGE)).status).toBe(200);
      expect(browser.cookies.get("__Host-earshot")).not.toBe(person.token);
      await door.owner.sql`update sessions set previous_until = now() where id = ${person.sessionId}`;
      expect((await browser.ask("GET", "/v1/me")).status).toBe(200);
    });

    test("leaves nothing in the database that signs anybody in", async () => {
      const begun = await begin();
      const [row] = await door.owner.sql`select * from device_logins where user_code = ${begun.user_code}`;
      expect(JSON.stringify(row)).not.toContain(begun.device_code);
    });
  });
}
