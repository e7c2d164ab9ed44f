import { generateKeyPair } from "jose/key/generate/keypair";
import { SignJWT } from "jose/jwt/sign";
import { importJWK } from "jose/key/import";
import type { CryptoKey } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newBoxKeyPair, signAssertion } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey, BoxPublicJwk } from "@earshot/shared/crypto/box-assertions";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { until } from "@earshot/testkit/until";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { createApp } from "../../app.ts";
import type { App } from "../../env.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const AUDIENCE = "https://api.test/v1/boxes/token";
const OPEN = { headers: { Authorization: null } };
const REFUSED = { status: 401, code: "unauthorized", pointers: [] };

async function newCode(): Promise<string> {
  const answer = await api.send("POST", "/v1/boxes/enrolments", { json: { name: "rack 3" } });
  expect(answer.status).toBe(201);
  return (await bodyOf<{ code: string }>(answer)).code;
}

function register(code: string, publicKey: BoxPublicJwk): Promise<Response> {
  return api.send("POST", "/v1/boxes", { ...OPEN, json: { code, public_key: publicKey } });
}

async function newBox(): Promise<BoxKey> {
  const { publicJwk, privateJwk } = await newBoxKeyPair();
  const answer = await register(await newCode(), publicJwk);
  expect(answer.status).toBe(201);
  const { id, audience } = await bodyOf<{ id: string; audience: string }>(answer);
  expect(audience).toBe(AUDIENCE);
  return { box_id: id, api: "http://api.test", audience, private_jwk: privateJwk };
}

function exchange(assertion: string, via?: App): Promise<Response> {
  return api.send("POST", "/v1/boxes/token", { ...OPEN, json: { assertion }, ...(via && { via }) });
}

interface Token {
  database: { url: string; password: string };
  expires_in: number;
}

async function tokenOf(box: BoxKey): Promise<Token> {
  const answer = await exchange(await signAssertion(box));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return bodyOf<Token>(answer);
}

function login({ database: { url, password } }: Token): OpenDatabase["sql"] & AsyncDisposable {
  const { sql, close } = openDatabase({ url, password: async () => password, max: 1, name: "a box" });
  return Object.assign(sql, { [Symbol.asyncDispose]: close });
}

async function actionsOf(boxId: string): Promise<string[]> {
  const rows = await api.owner.sql`select action from audit_log where target = ${boxId} order by id`;
  return rows.map(({ action }) => String(action));
}

describe("a code", () => {
  test("lets one machine in, once", async () => {
    const code = await newCode();
    const keys = await Promise.all(Array.from({ length: 8 }, () => newBoxKeyPair()));
    const answers = await Promise.all(keys.map(({ publicJwk }) => register(code, publicJwk)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(401)]);
  });

  test("is kept as a hash, and of no use after a quarter of an hour", async () => {
    const code = await newCode();
    const rows = await api.owner.sql<{ row: string }[]>`select e::text as row from box_enrolments e`;
    expect(rows.some(({ row }) => row.includes(code.slice(3)))).toBe(false);
    await api.owner
      .sql`update box_enrolments set expires_at = now() - interval '1 second' where used_at is null`;
    expect(await refusalOf(await register(code, (await newBoxKeyPair()).publicJwk))).toEqual(REFUSED);
  });

  test("is made by the account that operates the installation, and by no other owner", async () => {
    const as = await api.addCaller();
    const answer = await api.send("POST", "/v1/boxes/enrolments", { as, json: { name: "mine" } });
    expect(await refusalOf(answer)).toMatchObject({ status: 403, code: "forbidden" });
  });

  test.each([
    ["a private key", { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), d: "A".repeat(43) }],
    ["a shared secret", { kty: "oct", k: "A".repeat(43) }],
    ["a point off the curve", { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) }],
  ])("is not used up by %s", async (_, key) => {
    const code = await newCode();
    expect((await register(code, key as BoxPublicJwk)).status).toBe(400);
    expect((await register(code, (await newBoxKeyPair()).publicJwk)).status).toBe(201);
  });
});

describe("an assertion", () => {
  test("is good once, whichever server it is shown to", async () => {
    const box = await newBox();
    const database = await api.owner.sql`select current_database() as name`;
    const elsewhere = new URL("postgres://x");
    elsewhere.href = (await tokenOf(box)).database.url;
    expect(elsewhere.pathname).toBe(`/${String(database[0]?.["name"])}`);
    const other = createApp({ ...api.deps });
    const assertion = await signAssertion(box);
    const answers = await Promise.all(
      [api.app, other, api.app, other].map((via) => exchange(assertion, via)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
  });

  test("lets nobody in when nobody can say whether it was used", async () => {
    const box = await newBox();
    await api.owner.sql`alter table box_assertions rename to gone`;
    try {
      expect((await exchange(await signAssertion(box))).status).toBe(500);
    } finally {
      await api.owner.sql`alter table gone rename to box_assertions`;
    }
    expect(
      await api.owner.sql`select from pg_roles where rolname = ${`earshot_${box.box_id.toLowerCase()}`}`,
    ).toEqual([]);
  });

  interface Claims {
    kid?: string;
    iss?: string;
    aud?: string;
    typ?: string;
    iat?: number;
    seconds?: number;
    jti?: string | null;
    key?: CryptoKey;
  }

  const now = () => Math.floor(Date.now() / 1000);

  async function sign(box: BoxKey, claims: Claims): Promise<string> {
    const { iat = now(), seconds = 60, jti = crypto.randomUUID() } = claims;
    const token = new SignJWT({})
      .setProtectedHeader({
        alg: "EdDSA",
        kid: claims.kid ?? box.box_id,
        typ: claims.typ ?? "earshot-box+jwt",
      })
      .setIssuer(claims.iss ?? box.box_id)
      .setAudience(claims.aud ?? AUDIENCE)
      .setIssuedAt(iat)
      .setExpirationTime(iat + seconds);
    if (jti !== null) token.setJti(jti);
    return token.sign(claims.key ?? (await importJWK(box.private_jwk, "EdDSA")));
  }

  test.each<[string, () => Promise<Claims> | Claims]>([
    ["for another service", () => ({ aud: "https://api.test" })],
    ["for another installation", () => ({ aud: "https://other.test/v1/boxes/token" })],
    ["of another type", () => ({ typ: "at+jwt" })],
    ["that is old", () => ({ iat: now() - 120, seconds: 60 })],
    ["that was made to last", () => ({ seconds: 3600 })],
    ["that is old and was made to last", () => ({ iat: now() - 120, seconds: 3600 })],
    ["without an id", () => ({ jti: null })],
    ["by another key", async () => ({ key: (await generateKeyPair("EdDSA")).privateKey })],
    ["in another's name", async () => ({ kid: (await newBox()).box_id })],
    [
      "of a box that isn't there",
      () => ({ kid: "box_01ARZ3NDEKTSV4RRFFQ69G5FAV", iss: "box_01ARZ3NDEKTSV4RRFFQ69G5FAV" }),
    ],
  ])("%s buys nothing", async (_, claims) => {
    const box = await newBox();
    expect(await refusalOf(await exchange(await sign(box, await claims())))).toEqual(REFUSED);
    expect((await exchange(await sign(box, {}))).status).toBe(200);
  });
});

describe("a box", () => {
  test("gets a login of its own, for an hour, that may do what a worker may and no more", async () => {
    const box = await newBox();
    const token = await tokenOf(box);
    expect(token.expires_in).toBe(3600);
    await using sql = login(token);
    const [who] = await sql`
      select current_user as name, rolvaliduntil - now() as left, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as mighty,
        rolvaliduntil between now() + interval '59 minutes' and now() + interval '61 minutes' as hour
      from pg_roles where rolname = current_user`;
    expect(who).toMatchObject({ name: `earshot_${box.box_id.toLowerCase()}`, mighty: false, hour: true });
    expect(await sql`select id from jobs`).toEqual([]);
    for (const statement of [
      "select * from api_keys",
      "select * from boxes",
      "select * from audit_log",
      "set role earshot_worker",
      `select revoke_box('${box.box_id}')`,
      `select open_box_login('${box.box_id}', 'x', now())`,
    ])
      await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: "42501" });
  });

  test("has one password at a time, which the database never saw", async () => {
    const box = await newBox();
    const first = await tokenOf(box);
    const second = await tokenOf(box);
    await using now = login(second);
    expect(await now`select 1 as one`).toEqual([{ one: 1 }]);
    await using before = login(first);
    await expect(before`select 1`).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    const [kept] = await api.owner.sql`
      select rolpassword from pg_authid where rolname = ${`earshot_${box.box_id.toLowerCase()}`}`;
    expect(String(kept?.["rolpassword"])).toMatch(/^SCRAM-SHA-256\$4096:/);
  });

  test("that is revoked is out at once: its sessions, its privileges, its login and its credentials", async () => {
    const box = await newBox();
    const token = await tokenOf(box);
    await using open = login(token);
    const [session] = await open`select pg_backend_pid() as pid`;
    const answer = await api.send("DELETE", `/v1/boxes/${box.box_id}`);
    expect(answer.status).toBe(204);
    const isGone = async () =>
      (await api.owner.sql`select from pg_stat_activity where pid = ${Number(session?.["pid"])}`).length ===
      0;
    await until(isGone, { describe: "the session to end" });
    await using again = login(token);
    await expect(again`select 1`).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    const [role] = await api.owner.sql`
      select pg_has_role(${`earshot_${box.box_id.toLowerCase()}`}, 'earshot_worker', 'usage') as works`;
    expect(role).toEqual({ works: false });
    expect(await refusalOf(await exchange(await signAssertion(box)))).toEqual(REFUSED);
    // And once more changes nothing.
    expect((await api.send("DELETE", `/v1/boxes/${box.box_id}`)).status).toBe(204);
    expect(await actionsOf(box.box_id)).toEqual(["box.enrol", "box.token", "box.revoke"]);
    const { data } = await bodyOf<{ data: { id: string; status: string; revoked_at: string | null }[] }>(
      await api.send("GET", "/v1/boxes?limit=100"),
    );
    expect(data.find(({ id }) => id === box.box_id)).toMatchObject({
      status: "revoked",
      revoked_at: expect.any(String),
    });
  });

  test("that is revoked while it asks gets nothing", async () => {
    const box = await newBox();
    const lent: (() => void)[] = [];
    const asked = new Promise<void>((resolve) => {
      lent.push(resolve);
    });
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const boxes = api.deps.boxes && {
      ...api.deps.boxes,
      lendCredentials: async () => {
        lent[0]?.();
        await held;
        return null;
      },
    };
    const answer = exchange(await signAssertion(box), createApp({ ...api.deps, boxes }));
    await asked;
    await api.send("DELETE", `/v1/boxes/${box.box_id}`);
    release();
    expect((await answer).status).toBe(500);
    expect(
      await api.owner.sql`select from pg_roles where rolname = ${`earshot_${box.box_id.toLowerCase()}`}`,
    ).toEqual([]);
  });

  test("of another account can't be revoked, and isn't there", async () => {
    const box = await newBox();
    const as = await api.addCaller();
    expect((await api.send("DELETE", `/v1/boxes/${box.box_id}`, { as })).status).toBe(404);
    expect((await bodyOf<{ data: [] }>(await api.send("GET", "/v1/boxes", { as }))).data).toEqual([]);
  });
});

test("where the owner of the tables is no superuser, boxes come and go all the same", async () => {
  const owner = `owner_${crypto.randomUUID().replaceAll("-", "")}`;
  await api.owner.sql.unsafe(
    `create role ${owner} createrole; grant earshot_worker to ${owner} with admin option;
     grant select, update on boxes to ${owner}; grant usage on schema public to ${owner};
     alter function open_box_login owner to ${owner}; alter function revoke_box owner to ${owner};`,
  );
  const box = await newBox();
  const token = await tokenOf(box);
  await using open = login(token);
  expect(await open`select id from jobs`).toEqual([]);
  expect((await api.send("DELETE", `/v1/boxes/${box.box_id}`)).status).toBe(204);
  const sessions = () =>
    api.owner.sql`select from pg_stat_activity where usename = ${`earshot_${box.box_id.toLowerCase()}`}`;
  await until(async () => (await sessions()).length === 0, { describe: "the session to end" });
  await using again = login(token);
  await expect(again`select id from jobs`).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
});

test("an exchange that nobody can make is a conflict", async () => {
  const via = createApp({ ...api.deps, boxes: null });
  expect((await exchange("x", via)).status).toBe(409);
});
