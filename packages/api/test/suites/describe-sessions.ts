import type { Role } from "@earshot/shared/domain/scopes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { addPerson, signIn } from "../person.ts";
import type { TestPerson } from "../person.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const SAME_SITE = { Origin: "https://api.test" };
const UNKNOWN_MEMBER = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV";

interface MemberBody {
  id: string;
  email: string;
  role: Role;
}

/** Sessions and members, the same in every runtime. */
export function describeSessions(open: OpenFrontDoor): void {
  describe("sessions", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const add = (role: Role, accountId = door.caller.accountId) => addPerson(door.owner.db, accountId, role);
    const cookie = (token: string) => ({ Authorization: null, Cookie: `__Host-earshot=${token}` });
    /** As a browser asks, from a page of ours. */
    const ask = (token: string, method: string, path: string, json?: unknown, headers = {}) =>
      door.send(method, path, { json, headers: { ...cookie(token), ...SAME_SITE, ...headers } });
    const statusOf = async (token: string) => (await ask(token, "GET", "/v1/me")).status;
    const passTime = (id: string, seconds: number) => door.owner.sql`
      update sessions set rotated_at = rotated_at - make_interval(secs => ${seconds}),
        previous_until = previous_until - make_interval(secs => ${seconds}),
        last_used_at = last_used_at - make_interval(secs => ${seconds}),
        expires_at = expires_at - make_interval(secs => ${seconds}) where id = ${id}`;

    /** The token that an answer sets, with what it says of it. */
    function setCookieOf(response: Response): { token: string; attributes: string[] } {
      const [first = "", ...attributes] = (response.headers.get("Set-Cookie") ?? "").split(/; */);
      return { token: first.replace("__Host-earshot=", ""), attributes };
    }

    test("a cookie shows who it is, in which role; what it may do is the role's", async () => {
      const viewer = await add("viewer");
      expect(await bodyOf(await ask(viewer.token, "GET", "/v1/me"))).toMatchObject({
        account_id: door.caller.accountId,
        actor: { kind: "session", id: viewer.sessionId },
        role: "viewer",
      });
      expect((await ask(viewer.token, "GET", "/v1/jobs")).status).toBe(200);
      expect((await ask(viewer.token, "POST", "/v1/jobs", {})).status).toBe(403);
      expect((await ask(viewer.token, "GET", "/v1/api-keys")).status).toBe(403);
    });

    test("only the hash of a session's secret is kept", async () => {
      const { token, sessionId } = await add("viewer");
      const [row] = await door.owner.sql`select * from sessions where id = ${sessionId}`;
      expect(JSON.stringify(row)).not.toContain(token.slice(-43));
    });

    test("a secret that was in use for a while is replaced; the one before is good for a moment longer", async () => {
      const { token: first, sessionId } = await add("viewer");
      expect((await ask(first, "GET", "/v1/me")).headers.get("Set-Cookie")).toBeNull();
      await passTime(sessionId, 700);
      const answers = await Promise.all([1, 2, 3].map(() => ask(first, "GET", "/v1/me")));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      const renewals = answers.filter((answer) => answer.headers.has("Set-Cookie"));
      expect(renewals).toHaveLength(1);
      const { token: second, attributes } = setCookieOf(renewals[0] ?? new Response());
      expect(attributes).toEqual(expect.arrayContaining(["HttpOnly", "Secure", "SameSite=Lax", "Path=/"]));
      expect(attributes.some((each) => each.startsWith("Domain"))).toBe(false);
      expect([await statusOf(first), await statusOf(second)]).toEqual([200, 200]);
    });

    test("a replaced secret that is shown later was copied: it ends the session", async () => {
      const { token: first, sessionId } = await add("viewer");
      await passTime(sessionId, 700);
      const { token: second } = setCookieOf(await ask(first, "GET", "/v1/me"));
      await passTime(sessionId, 61);
      expect(await statusOf(second)).toBe(200);
      expect(await statusOf(first)).toBe(401);
      expect(await statusOf(second)).toBe(401);
    });

    test("a refusal renews a session, too", async () => {
      const { token, sessionId } = await add("viewer");
      await passTime(sessionId, 700);
      const refused = await ask(token, "POST", "/v1/jobs", {});
      expect(refused.status).toBe(403);
      expect(await statusOf(setCookieOf(refused).token)).toBe(200);
    });

    test("a session ends when nobody uses it, and when it is old", async () => {
      const idle = await add("viewer");
      const old = await add("viewer");
      await door.owner.sql`
        update sessions set last_used_at = now() - interval '13 hours' where id = ${idle.sessionId}`;
      await door.owner.sql`update sessions set expires_at = now() where id = ${old.sessionId}`;
      expect([await statusOf(idle.token), await statusOf(old.token)]).toEqual([401, 401]);
    });

    test("a session that is used lives on", async () => {
      const { token, sessionId } = await add("viewer");
      for (const _ of [1, 2]) {
        await door.owner.sql`
          update sessions set last_used_at = last_used_at - interval '7 hours' where id = ${sessionId}`;
        expect(await statusOf(token)).toBe(200);
      }
    });

    test("the old cookie is dead after logout, and its answer clears it", async () => {
      const { token, sessionId } = await add("viewer");
      await passTime(sessionId, 700);
      const answer = await ask(token, "POST", "/v1/auth/logout");
      expect(answer.status).toBe(204);
      expect(setCookieOf(answer)).toMatchObject({
        token: "",
        attributes: expect.arrayContaining(["Max-Age=0"]),
      });
      expect(await statusOf(token)).toBe(401);
      expect((await door.send("POST", "/v1/auth/logout")).status).toBe(403);
    });

    test("the old cookie is dead when its member is removed, or gets another role", async () => {
      const admin = await add("admin");
      const removed = await add("member");
      const changed = await add("member");
      expect((await ask(admin.token, "DELETE", `/v1/members/${removed.userId}`)).status).toBe(204);
      const change = await ask(admin.token, "PATCH", `/v1/members/${changed.userId}`, { role: "viewer" });
      expect(await bodyOf(change)).toMatchObject({ id: changed.userId, role: "viewer" });
      expect([await statusOf(removed.token), await statusOf(changed.token)]).toEqual([401, 401]);
      const again = await signIn(door.owner.db, door.caller.accountId, changed.userId);
      expect(await bodyOf(await ask(again.token, "GET", "/v1/me"))).toMatchObject({ role: "viewer" });
    });

    test("a session without a membership is dead, whatever its row says", async () => {
      const { token, userId, sessionId } = await add("owner");
      await door.owner.sql`delete from memberships where user_id = ${userId}`;
      expect(await statusOf(token)).toBe(401);
      const [row] = await door.owner.sql`select revoked_at from sessions where id = ${sessionId}`;
      expect(row).toEqual({ revoked_at: null });
    });

    test("one sees one's own sessions, and ends them; another's are not there", async () => {
      const me = await add("viewer");
      const other = await add("owner");
      const laptop = await signIn(door.owner.db, door.caller.accountId, me.userId, "device");
      const { data } = await bodyOf<{ data: { id: string; current: boolean; kind: string }[] }>(
        await ask(me.token, "GET", "/v1/auth/sessions"),
      );
      expect(data).toMatchObject([
        { id: laptop.sessionId, current: false, kind: "device" },
        { id: me.sessionId, current: true, kind: "browser" },
      ]);
      for (const stranger of [other, await add("owner", (await door.addCaller()).accountId)]) {
        const refused = await ask(stranger.token, "DELETE", `/v1/auth/sessions/${laptop.sessionId}`);
        expect(await refusalOf(refused)).toMatchObject({ status: 404 });
      }
      expect((await ask(me.token, "DELETE", `/v1/auth/sessions/${laptop.sessionId}`)).status).toBe(204);
      expect([await statusOf(laptop.token), await statusOf(me.token)]).toEqual([401, 200]);
      expect((await door.send("GET", "/v1/auth/sessions")).status).toBe(403);
    });

    test.for([
      ["no origin at all", {}],
      ["another site", { Origin: "https://evil.example" }],
      ["a sandboxed page", { Origin: "null" }],
      ["another port", { Origin: "https://api.test:8443" }],
      ["plain http", { Origin: "http://api.test" }],
      ["a name that begins alike", { Origin: "https://api.test.evil.example" }],
      ["another site without an origin", { "Sec-Fetch-Site": "cross-site" }],
      ["a neighbour's page", { "Sec-Fetch-Site": "same-site" }],
      [
        "another site that claims to be this one",
        { Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" },
      ],
    ] as const)("a cookie changes nothing when the request comes from %s", async ([, headers]) => {
      const { token, sessionId } = await add("owner");
      await passTime(sessionId, 700);
      const json = { name: "forged", scopes: ["jobs:read"] };
      const send = (more: object) =>
        door.send("POST", "/v1/api-keys", { json, headers: { ...cookie(token), ...more } });
      const refused = await send(headers);
      expect(await refusalOf(refused)).toMatchObject({ status: 403, code: "forbidden" });
      expect(refused.headers.get("Set-Cookie")).toBeNull();
      expect((await send({ "Sec-Fetch-Site": "same-origin" })).status).toBe(201);
    });

    test("a cookie counts for nothing beside another credential", async () => {
      const { token } = await add("owner");
      const headers = { ...cookie(token), Authorization: "Bearer x" };
      expect((await door.send("GET", "/v1/me", { headers })).status).toBe(401);
    });

    test("a device shows its session as a bearer, and learns its new secret from the answer", async () => {
      const { token, sessionId } = await addPerson(door.owner.db, door.caller.accountId, "member", "device");
      await passTime(sessionId, 700);
      const bearer = (value: string) => ({ headers: { Authorization: `Bearer ${value}` } });
      const answer = await door.send("POST", "/v1/auth/token", bearer(token));
      expect(answer.status).toBe(200);
      const next = answer.headers.get("Earshot-Session") ?? "";
      expect((await door.send("GET", "/v1/me", bearer(next))).status).toBe(200);
      expect(answer.headers.get("Set-Cookie")).toBeNull();
    });

    test.for([
      ["another secret", (token: string) => `${token.slice(0, -43)}${"A".repeat(43)}`],
      ["no session", (token: string) => token.replace(/^es_.{26}/, "es_01ARZ3NDEKTSV4RRFFQ69G5FAV")],
      ["no form", () => "es_x_y"],
    ] as const)("%s is refused", async ([, spoil]) => {
      const { token } = await add("viewer");
      expect(await statusOf(spoil(token))).toBe(401);
    });
  });

  describe("members", () => {
    let door: FrontDoor;
    let owner: TestPerson;
    let accountId: string;
    beforeAll(async () => {
      door = await open();
      ({ accountId } = await door.addCaller());
      owner = await addPerson(door.owner.db, accountId, "owner");
    });
    afterAll(() => door[Symbol.asyncDispose]());

    const ask = ({ token }: TestPerson, method: string, path: string, json?: unknown) =>
      door.send(method, path, {
        json,
        headers: { Authorization: null, Cookie: `__Host-earshot=${token}`, ...SAME_SITE },
      });
    const add = (role: Role) => addPerson(door.owner.db, accountId, role);

    test("are listed with those who are invited", async () => {
      const invited = await ask(owner, "POST", "/v1/members", { email: "New@Example.com", role: "member" });
      expect([invited.status, invited.headers.get("Cache-Control")]).toEqual([201, "no-store"]);
      const invitation = await bodyOf<{ id: string; token: string }>(invited);
      expect(invitation).toMatchObject({ email: "new@example.com", role: "member" });
      const list = async () => {
        const response = await ask(owner, "GET", "/v1/members");
        return bodyOf<{ data: MemberBody[]; invitations: { id: string }[] }>(response);
      };
      const seen = await list();
      expect(seen.data).toMatchObject([{ id: owner.userId, role: "owner" }]);
      expect(seen.invitations).toMatchObject([{ id: invitation.id, email: "new@example.com" }]);
      expect(JSON.stringify(seen)).not.toContain(invitation.token);
      expect((await ask(owner, "DELETE", `/v1/members/${invitation.id}`)).status).toBe(204);
      expect((await ask(owner, "DELETE", `/v1/members/${invitation.id}`)).status).toBe(404);
      expect((await list()).invitations).toEqual([]);
    });

    test("nobody makes or touches anybody above himself", async () => {
      const admin = await add("admin");
      const peer = await add("admin");
      expect(
        (await ask(admin, "POST", "/v1/members", { email: "x@example.com", role: "owner" })).status,
      ).toBe(403);
      expect((await ask(admin, "PATCH", `/v1/members/${admin.userId}`, { role: "owner" })).status).toBe(403);
      expect((await ask(admin, "PATCH", `/v1/members/${owner.userId}`, { role: "viewer" })).status).toBe(403);
      expect((await ask(admin, "DELETE", `/v1/members/${owner.userId}`)).status).toBe(403);
      expect((await ask(admin, "PATCH", `/v1/members/${peer.userId}`, { role: "viewer" })).status).toBe(200);
      const member = await add("member");
      expect(
        (await ask(member, "POST", "/v1/members", { email: "x@example.com", role: "viewer" })).status,
      ).toBe(403);
    });

    test("an account keeps one owner, also when two leave at once", async () => {
      expect((await ask(owner, "DELETE", `/v1/members/${owner.userId}`)).status).toBe(409);
      expect((await ask(owner, "PATCH", `/v1/members/${owner.userId}`, { role: "admin" })).status).toBe(409);
      const second = await add("owner");
      const both = await Promise.all([
        ask(owner, "PATCH", `/v1/members/${owner.userId}`, { role: "admin" }),
        ask(second, "PATCH", `/v1/members/${second.userId}`, { role: "admin" }),
      ]);
      expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    });

    test("another account's members are as unknown as none", async () => {
      const { accountId: elsewhere } = await door.addCaller();
      const stranger = await addPerson(door.owner.db, elsewhere, "owner");
      const member = await add("member");
      for (const id of [member.userId, UNKNOWN_MEMBER, "nobody"]) {
        expect((await ask(stranger, "DELETE", `/v1/members/${id}`)).status).toBe(404);
        expect((await ask(stranger, "PATCH", `/v1/members/${id}`, { role: "viewer" })).status).toBe(404);
      }
    });

    interface Key {
      id: string;
      key: string;
    }
    async function makeKey(by: TestPerson, scopes: string[]): Promise<Key> {
      const made = await ask(by, "POST", "/v1/api-keys", { name: "a test's", scopes });
      expect(made.status).toBe(201);
      return bodyOf<Key>(made);
    }
    const works = async ({ key }: Key) =>
      (await door.send("GET", "/v1/me", { as: { accountId, key } })).status === 200;
    const byKey = async ({ key }: Key, path: string, json: object) =>
      bodyOf<Key>(await door.send("POST", path, { json, as: { accountId, key } }));

    test("a member's keys end with his membership: his, those that they made, and no other", async () => {
      const [boss, admin] = [await add("owner"), await add("admin")];
      const [his, kept] = [
        await makeKey(admin, ["keys:write", "jobs:read"]),
        await makeKey(admin, ["jobs:read"]),
      ];
      const child = await byKey(his, "/v1/api-keys", { name: "a key's", scopes: ["jobs:read"] });
      const token = await byKey(his, "/v1/auth/token", {}).then(
        (made) => (made as unknown as { access_token: string }).access_token,
      );
      const byToken = await byKey({ id: "", key: token }, "/v1/api-keys", {
        name: "a token's",
        scopes: ["jobs:read"],
      });
      // Somebody else has taken this one over.
      const taken = await bodyOf<Key>(await ask(boss, "POST", `/v1/api-keys/${kept.id}/rotate`, {}));
      const others = await makeKey(boss, ["jobs:read"]);
      expect(await Promise.all([his, child, byToken, taken, others].map(works))).toEqual(Array(5).fill(true));
      expect((await ask(boss, "DELETE", `/v1/members/${admin.userId}`)).status).toBe(204);
      expect(await Promise.all([his, kept, child, byToken].map(works))).toEqual(Array(4).fill(false));
      expect(await Promise.all([taken, others].map(works))).toEqual([true, true]);
      const rows = await door.owner.sql`
        select target from audit_log where account_id = ${accountId} and action = 'api_key.revoke' order by target`;
      expect(rows.map(({ target }) => target)).toEqual(
        [his, kept, child, byToken].map(({ id }) => id).toSorted(),
      );
    });

    test("a member who may do less keeps the keys that do no more", async () => {
      const [boss, admin] = [await add("owner"), await add("admin")];
      const [broad, narrow] = [await makeKey(admin, ["keys:write"]), await makeKey(admin, ["jobs:write"])];
      expect((await ask(boss, "PATCH", `/v1/members/${admin.userId}`, { role: "member" })).status).toBe(200);
      expect([await works(broad), await works(narrow)]).toEqual([false, true]);
      expect((await ask(boss, "PATCH", `/v1/members/${admin.userId}`, { role: "viewer" })).status).toBe(200);
      expect(await works(narrow)).toBe(false);
    });

    test("what is done with members is in the audit log, with who did it", async () => {
      const { accountId: fresh } = await door.addCaller();
      const boss = await addPerson(door.owner.db, fresh, "owner");
      const member = await addPerson(door.owner.db, fresh, "member");
      await ask(boss, "PATCH", `/v1/members/${member.userId}`, { role: "viewer" });
      await ask(boss, "DELETE", `/v1/members/${member.userId}`);
      await ask(boss, "POST", "/v1/auth/logout");
      const rows = await door.owner.sql`
        select action, target, actor_kind, actor_id, detail from audit_log where account_id = ${fresh} order by id`;
      const by = { actor_kind: "session", actor_id: boss.sessionId };
      expect(rows).toMatchObject([
        {
          action: "member.change_role",
          target: member.userId,
          ...by,
          detail: { from: "member", to: "viewer" },
        },
        { action: "member.remove", target: member.userId, ...by, detail: { user_id: boss.userId } },
        { action: "session.logout", target: boss.sessionId, ...by },
      ]);
    });
  });
}
