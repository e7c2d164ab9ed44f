import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { invite } from "@earshot/shared/db/members";
import type { Role } from "@earshot/shared/domain/scopes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { countingQueries } from "../../../test/counting-queries.ts";
import { createApp } from "../../app.ts";
import { scryptPasswords } from "../../passwords.node.ts";

const PASSWORD = "correct horse battery staple";
// Each guess of a test costs little; what a real one costs is a test of its own.
const passwords = scryptPasswords({ N: 2 ** 10, r: 8, p: 1 });

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi({ passwords })));
afterAll(() => api[Symbol.asyncDispose]());

let lastAddress = 0;
/** An address that nobody has failed from. */
const newAddress = () => `198.51.100.${(lastAddress += 1)}`;

function post(path: string, json: object, { ip = newAddress(), via = api.app } = {}): Promise<Response> {
  return api.send("POST", path, { json, via, headers: { Authorization: null, "X-Test-Client-Ip": ip } });
}

const signIn = (email: string, password: string, options = {}) =>
  post("/v1/auth/password", { email, password }, options);

/** The secret of an invitation; without an address it is a first owner's. */
async function invited(role: Role, email: string | null): Promise<string> {
  const token = newSecret();
  const tokenHash = await sha256Hex(token);
  const { accountId } = api.caller;
  await invite(api.owner.db, { accountId, email, role, tokenHash, createdBy: "test", seconds: 60 });
  return token;
}

async function addUser(email: string): Promise<void> {
  const token = await invited("member", email);
  expect((await post("/v1/auth/accept", { token, password: PASSWORD })).status).toBe(201);
}

const me = (response: Response) =>
  api.send("GET", "/v1/me", {
    headers: { Authorization: null, Cookie: response.headers.get("Set-Cookie")?.split(";")[0] ?? "" },
  });

test("the first owner takes his one-time secret once, says who he is, and is signed in", async () => {
  const token = await invited("owner", null);
  const request = { token, email: "First@Example.com", password: PASSWORD, name: "First" };
  const incomplete = await post("/v1/auth/accept", { token, password: PASSWORD });
  expect(await refusalOf(incomplete)).toMatchObject({ status: 400, pointers: ["/email"] });
  const both = await Promise.all([1, 2].map(() => post("/v1/auth/accept", request)));
  expect(both.map(({ status }) => status).toSorted()).toEqual([201, 401]);
  const accepted = both.find(({ status }) => status === 201) ?? new Response();
  expect(await bodyOf(await me(accepted))).toMatchObject({ role: "owner", account_id: api.caller.accountId });
  expect((await post("/v1/auth/accept", { ...request, email: "second@example.com" })).status).toBe(401);
  expect((await signIn("first@example.com", PASSWORD)).status).toBe(200);
});

test("an invitation is for the address that it names, and makes nobody's password anew", async () => {
  await addUser("taken@example.com");
  const token = await invited("owner", "taken@example.com");
  const takeover = await post("/v1/auth/accept", { token, password: "a password of the attacker's" });
  expect(takeover.status).toBe(409);
  expect((await signIn("taken@example.com", PASSWORD)).status).toBe(200);
  const named = await invited("member", "named@example.com");
  const request = { token: named, email: "other@example.com", password: PASSWORD };
  expect((await post("/v1/auth/accept", request)).status).toBe(201);
  expect((await signIn("other@example.com", PASSWORD)).status).toBe(401);
  expect((await signIn("named@example.com", PASSWORD)).status).toBe(200);
});

test("a password of fewer than twelve characters is not taken, and none is kept", async () => {
  const token = await invited("member", "short@example.com");
  const refused = await post("/v1/auth/accept", { token, password: "eleven char" });
  expect(await refusalOf(refused)).toMatchObject({ status: 400, pointers: ["/password"] });
  await addUser("kept@example.com");
  const [row] = await api.owner.sql`select * from users where email = 'kept@example.com'`;
  expect(row?.["password_hash"]).toMatch(/^scrypt\$1024\$8\$1\$/);
  expect(JSON.stringify([row, api.logged])).not.toContain(PASSWORD);
});

test("unknown and known people are refused alike, for the same queries and the same hashes", async () => {
  await addUser("known@example.com");
  const costs: unknown[] = [];
  for (const email of ["known@example.com", "unknown@example.com"]) {
    const { db, count } = countingQueries(api.deps.db);
    const hashed: string[] = [];
    const counting = {
      ...passwords,
      matches: (password: string, hash: string | null) => {
        hashed.push(password);
        return passwords.matches(password, hash);
      },
    };
    const via = createApp({ ...api.deps, db, passwords: counting });
    const response = await signIn(email, "a wrong password", { via });
    const told = await bodyOf<object>(response);
    costs.push({ status: response.status, told: { ...told, request_id: "" }, queries: count(), hashed });
  }
  expect(costs[0]).toMatchObject({ status: 401, hashed: ["a wrong password"] });
  expect(costs[1]).toEqual(costs[0]);
});

test("a hash is compared where there is none: it costs what a real one does", async () => {
  const real = scryptPasswords();
  const stored = await real.hash(PASSWORD);
  expect(stored).toMatch(/^scrypt\$32768\$8\$3\$/);
  expect(await real.matches(PASSWORD, stored)).toBe(true);
  expect(await real.matches("another", stored)).toBe(false);
  expect(await real.matches("nobody's", null)).toBe(false);
  const cheaper = scryptPasswords({ N: 2 ** 14, r: 8, p: 1 });
  const kept = await cheaper.hash(PASSWORD);
  const fastest = async (hash: string | null) => {
    const taken: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const begun = performance.now();
      await cheaper.matches("another", hash);
      taken.push(performance.now() - begun);
    }
    return Math.min(...taken);
  };
  expect((await fastest(null)) / (await fastest(kept))).toBeGreaterThan(1 / 3);
  // Written with the accent apart, as some keyboards do.
  expect(
    await real.matches("caf\u00e9 caf\u00e9 caf\u00e9", await real.hash("cafe\u0301 cafe\u0301 cafe\u0301")),
  ).toBe(true);
});

test("who fails waits longer each time, right password or not; others sign in meanwhile", async () => {
  await addUser("target@example.com");
  const attacker = newAddress();
  for (let n = 0; n < 6; n += 1) {
    expect((await signIn("target@example.com", `wrong ${n}`, { ip: attacker })).status).toBe(401);
  }
  const slowed = await signIn("target@example.com", PASSWORD, { ip: attacker });
  expect(await refusalOf(slowed)).toMatchObject({ status: 429, code: "rate_limited" });
  expect(Number(slowed.headers.get("Retry-After"))).toBeGreaterThan(0);
  // Nobody is locked out by what strangers do.
  expect((await signIn("target@example.com", PASSWORD)).status).toBe(200);
  const waits: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    await api.owner.sql`update sign_in_delays set not_before = now() where source = ${attacker}`;
    expect((await signIn("target@example.com", "wrong", { ip: attacker })).status).toBe(401);
    const [row] = await api.owner.sql<{ seconds: number }[]>`
      select extract(epoch from not_before - failed_at)::int as seconds from sign_in_delays where source = ${attacker}`;
    waits.push(row?.seconds ?? 0);
  }
  expect(waits).toEqual([4, 8, 16]);
});

test("many guesses at once are no way around the wait, nor is an account of one's own", async () => {
  await addUser("mine@example.com");
  const attacker = newAddress();
  const guesses = await Promise.all(
    Array.from({ length: 20 }, (_, n) => signIn("guessed@example.com", `guess ${n}`, { ip: attacker })),
  );
  const statuses = guesses.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(6);
  await api.owner.sql`update sign_in_delays set not_before = now() where source = ${attacker}`;
  expect((await signIn("mine@example.com", PASSWORD, { ip: attacker })).status).toBe(200);
  expect((await signIn("guessed@example.com", "wrong", { ip: attacker })).status).toBe(401);
  expect((await signIn("guessed@example.com", "wrong", { ip: attacker })).status).toBe(429);
});

test("an IPv6 network is one address: who has one has 2^64", async () => {
  for (let n = 0; n < 6; n += 1) await signIn("x@example.com", "wrong", { ip: `2001:db8:9:9::${n + 1}` });
  expect((await signIn("x@example.com", "wrong", { ip: "2001:db8:9:9:ffff::1" })).status).toBe(429);
  expect((await signIn("x@example.com", "wrong", { ip: "2001:db8:9:a::1" })).status).toBe(401);
});

test("the page's form signs in, and only from a page of ours", async () => {
  await addUser("form@example.com");
  const send = (form: Record<string, string>, headers: Record<string, string>) =>
    api.send("POST", "/v1/auth/login", {
      body: new URLSearchParams(form).toString(),
      headers: {
        Authorization: null,
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Test-Client-Ip": newAddress(),
        ...headers,
      },
    });
  const page = await api.send("GET", "/v1/auth/login?return_to=/v1/me", { headers: { Authorization: null } });
  expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  expect(await page.text()).toContain('name="return_to" value="/v1/me"');
  const form = { email: "form@example.com", password: PASSWORD, return_to: "/v1/me" };
  const own = { Origin: "https://api.test" };
  for (const headers of [{}, { Origin: "https://evil.example" }]) {
    expect((await send(form, headers)).status).toBe(403);
  }
  const wrong = await send({ ...form, password: "<script>", email: "<b>@x" }, own);
  expect([wrong.status, wrong.headers.get("Content-Type")]).toEqual([401, "text/html; charset=utf-8"]);
  const signedIn = await send(form, own);
  expect([signedIn.status, signedIn.headers.get("Location")]).toEqual([303, "/v1/me"]);
  expect((await me(signedIn)).status).toBe(200);
});

test("where the deployment has no passwords there are none", async () => {
  const via = createApp({ ...api.deps, passwords: null });
  for (const [path, json] of [
    ["/v1/auth/password", { email: "kept@example.com", password: PASSWORD }],
    ["/v1/auth/accept", { token: "x", password: PASSWORD }],
    ["/v1/auth/login", {}],
  ] as const) {
    expect((await post(path, json, { via })).status, path).toBe(404);
  }
});
