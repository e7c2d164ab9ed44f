import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

interface Key {
  id: string;
  key: string;
  status: string;
  scopes: string[];
  expires_at: string | null;
  ip_allow_list: string[];
  requests_per_minute: number | null;
  rotated_from: string | null;
  created_by: string | null;
}

const PATH = "/v1/api-keys";

/** API keys through the API, the same in every runtime. */
export function describeApiKeys(open: OpenFrontDoor): void {
  describe("API keys", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const as = ({ key }: { key: string }) => ({ as: { accountId: door.caller.accountId, key } });
    const from = (ip: string) => ({ "X-Test-Client-Ip": ip, "CF-Connecting-IP": ip });
    const meStatus = async (key: Key, headers = {}) =>
      (await door.send("GET", "/v1/me", { ...as(key), headers })).status;

    async function make(request: object = {}, by = door.caller): Promise<Key> {
      const json = { name: "a test's", scopes: ["jobs:read"], ...request };
      const response = await door.send("POST", PATH, { json, as: by });
      expect(response.status).toBe(201);
      return bodyOf<Key>(response);
    }

    test("a key that was made may do what it was made for, and its secret is shown once", async () => {
      const response = await door.send("POST", PATH, { json: { name: "ci", scopes: ["jobs:read"] } });
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      const made = await bodyOf<Key>(response);
      expect(response.headers.get("Location")).toBe(`${PATH}/${made.id}`);
      expect((await door.send("GET", "/v1/jobs", as(made))).status).toBe(200);
      expect((await door.send("POST", "/v1/jobs", { json: {}, ...as(made) })).status).toBe(403);
      const { key: secret, ...shown } = made;
      const seen = await bodyOf<Key>(await door.send("GET", `${PATH}/${made.id}`));
      expect(Object.keys(seen).toSorted()).toEqual(Object.keys(shown).toSorted());
      const everything = [seen, await bodyOf(await door.send("GET", PATH))];
      expect(JSON.stringify(everything)).not.toContain(secret.slice(-43));
      const [row] = await door.owner.sql`select * from api_keys where id = ${made.id}`;
      expect(JSON.stringify(row)).not.toContain(secret.slice(-43));
    });

    test("nobody hands out a scope that he does not hold, neither in a new key nor by rotating one", async () => {
      const keeper = await make({ scopes: ["keys:write", "keys:read", "jobs:read"] });
      const whole = await make({ scopes: ["*"] });
      for (const scopes of [["jobs:write"], ["jobs:read", "members:write"], ["*"]]) {
        const json = { name: "more", scopes };
        const refusal = await refusalOf(await door.send("POST", PATH, { json, ...as(keeper) }));
        expect(refusal, scopes.join(" ")).toMatchObject({ status: 403, code: "forbidden" });
      }
      const rotation = await door.send("POST", `${PATH}/${whole.id}/rotate`, { json: {}, ...as(keeper) });
      expect(rotation.status).toBe(403);
      expect(await meStatus(whole)).toBe(200);
      expect((await make({ scopes: ["jobs:read"] }, as(keeper).as)).created_by).toBe(`api_key:${keeper.id}`);
    });

    test("a rotated key lives until its grace ends, beside one that may do the same", async () => {
      const old = await make({
        scopes: ["jobs:read", "uploads:write"],
        ip_allow_list: ["192.0.2.0/24"],
        requests_per_minute: 5,
        expires_at: new Date(Date.now() + 30 * 24 * 3600_000).toISOString(),
      });
      const home = from("192.0.2.7");
      const rotated = await door.send("POST", `${PATH}/${old.id}/rotate`, { json: { grace_seconds: 600 } });
      expect([rotated.status, rotated.headers.get("Cache-Control")]).toEqual([201, "no-store"]);
      const next = await bodyOf<Key>(rotated);
      const { scopes, ip_allow_list, requests_per_minute } = old;
      expect(next).toMatchObject({ rotated_from: old.id, scopes, ip_allow_list, requests_per_minute });
      expect(daysAway(next.expires_at)).toBeCloseTo(30, 1);
      expect([await meStatus(old, home), await meStatus(next, home)]).toEqual([200, 200]);
      const ending = await bodyOf<Key>(await door.send("GET", `${PATH}/${old.id}`));
      expect(daysAway(ending.expires_at) * 24 * 60).toBeCloseTo(10, 0);
      await door.owner.sql`update api_keys set expires_at = now() where id = ${old.id}`;
      expect([await meStatus(old, home), await meStatus(next, home)]).toEqual([401, 200]);
    });

    test("no grace lets a key live longer than it would have", async () => {
      const old = await make({ expires_at: new Date(Date.now() + 3600_000).toISOString() });
      await door.send("POST", `${PATH}/${old.id}/rotate`, { json: { grace_seconds: 7200 } });
      const ending = await bodyOf<Key>(await door.send("GET", `${PATH}/${old.id}`));
      expect(ending.expires_at).toBe(old.expires_at);
    });

    test("without grace the old key ends at once; and no key is rotated twice, nor when it is dead", async () => {
      const old = await make();
      const rotate = (id: string) =>
        door.send("POST", `${PATH}/${id}/rotate`, { json: { grace_seconds: 0 } });
      const next = await bodyOf<Key>(await rotate(old.id));
      expect([await meStatus(old), await meStatus(next)]).toEqual([401, 200]);
      expect(next.expires_at).toBeNull();
      const live = await make();
      const both = await Promise.all([1, 2].map(() => door.send("POST", `${PATH}/${live.id}/rotate`)));
      expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
      await door.send("DELETE", `${PATH}/${next.id}`);
      for (const { id } of [old, next]) expect((await rotate(id)).status).toBe(409);
    });

    test("a revoked key is refused at once, and stays in the list", async () => {
      const key = await make();
      expect(await meStatus(key)).toBe(200);
      expect((await door.send("DELETE", `${PATH}/${key.id}`)).status).toBe(204);
      expect(await meStatus(key)).toBe(401);
      expect((await door.send("DELETE", `${PATH}/${key.id}`)).status).toBe(204);
      const { data } = await bodyOf<{ data: Key[] }>(await door.send("GET", `${PATH}?limit=1`));
      expect(data).toMatchObject([{ id: key.id, status: "revoked" }]);
      const nobodys = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV";
      expect((await door.send("DELETE", `${PATH}/${nobodys}`)).status).toBe(404);
    });

    test("a key with an allow-list is refused from elsewhere like one that isn't there", async () => {
      const key = await make({ ip_allow_list: ["192.0.2.0/24", "2001:db8:1::/48", "198.51.100.9"] });
      for (const ip of ["192.0.2.1", "2001:db8:1:ffff::1", "198.51.100.9", "::ffff:192.0.2.1"]) {
        expect(await meStatus(key, from(ip)), ip).toBe(200);
      }
      for (const ip of ["192.0.3.1", "2001:db8:2::1", "198.51.100.8", "not an address"]) {
        expect(await meStatus(key, from(ip)), ip).toBe(401);
      }
      expect(await meStatus(key, { ...from("203.0.113.1"), "X-Forwarded-For": "192.0.2.1" })).toBe(401);
    });

    test.for([
      [{ scopes: ["jobs:fly"] }, "/scopes/0"],
      [{ scopes: [] }, "/scopes"],
      [{ name: "" }, "/name"],
      [{ expires_at: "2020-01-01T00:00:00Z" }, "/expires_at"],
      [{ expires_at: "9999-01-01T00:00:00Z" }, "/expires_at"],
      [{ ip_allow_list: ["192.0.2.1/24"] }, "/ip_allow_list/0"],
      [{ ip_allow_list: ["192.0.2.0/24", "::1/129"] }, "/ip_allow_list/1"],
      [{ requests_per_minute: 0 }, "/requests_per_minute"],
      [{ secret: "x" }, "/secret"],
    ] as const)("no key is made of %j", async ([request, pointer]) => {
      const json = { name: "bad", scopes: ["jobs:read"], ...request };
      const refusal = await refusalOf(await door.send("POST", PATH, { json }));
      expect(refusal).toMatchObject({ status: 400, pointers: [pointer] });
    });

    test("they are listed page by page, the newest first, each once", async () => {
      const { caller } = door;
      const owner = await door.addCaller();
      const ids: string[] = [];
      for (let n = 0; n < 4; n += 1) ids.unshift((await make({ name: `n${n}` }, owner)).id);
      const seen: string[] = [];
      let path: string | null = `${PATH}?limit=2`;
      while (path !== null) {
        const page: { data: Key[]; next_cursor: string | null } = await bodyOf(
          await door.send("GET", path, { as: owner }),
        );
        seen.push(...page.data.map(({ id }) => id));
        path = page.next_cursor === null ? null : `${PATH}?limit=2&cursor=${page.next_cursor}`;
        if (path !== null) expect((await door.send("GET", path, { as: caller })).status).toBe(400);
      }
      expect(seen.slice(0, 4)).toEqual(ids);
      expect(new Set(seen).size).toBe(5);
    });

    test("what is done with keys is in the audit log, without any secret", async () => {
      const key = await make({ name: "audited" });
      const next = await bodyOf<Key>(await door.send("POST", `${PATH}/${key.id}/rotate`, { json: {} }));
      await door.send("DELETE", `${PATH}/${next.id}`);
      const rows = await door.owner.sql`
        select action, target, actor_kind, outcome, detail from audit_log
        where target in (${key.id}, ${next.id}) order by id`;
      expect(rows).toMatchObject([
        { action: "api_key.create", target: key.id, actor_kind: "api_key", outcome: "success" },
        { action: "api_key.rotate", target: key.id, detail: { successor: next.id } },
        { action: "api_key.revoke", target: next.id },
      ]);
      for (const secret of [key.key, next.key]) expect(JSON.stringify(rows)).not.toContain(secret.slice(-43));
    });
  });
}

function daysAway(time: string | null): number {
  return (new Date(time ?? 0).getTime() - Date.now()) / (24 * 3600_000);
}
