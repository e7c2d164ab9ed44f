import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import type { CryptoKey, JWK } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const PATH = "/v1/auth/token";
const ISSUER = "https://api.test";
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 4 };
const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

interface Token {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
}

interface Forger {
  kid: string;
  algorithm: string;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

/** Access tokens of our own, the same in every runtime. */
export function describeTokens(open: OpenFrontDoor): void {
  describe("access tokens", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const as = (token: string) => ({ as: { accountId: door.caller.accountId, key: token } });
    const statusOf = async (token: string) => (await door.send("GET", "/v1/me", as(token))).status;
    const headerOf = (token: string) => JSON.parse(atob(token.split(".")[0] ?? "")) as Record<string, string>;

    async function make(request: object = {}, by: object = {}): Promise<Token> {
      const response = await door.send("POST", PATH, { json: request, ...by });
      expect(response.status).toBe(200);
      return bodyOf<Token>(response);
    }

    /** A key that the API publishes and whose private half the test has. */
    async function plantKey(algorithm: "EdDSA" | "ES256" = "EdDSA"): Promise<Forger> {
      const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
      const publicJwk = await exportJWK(publicKey);
      const kid = `planted-${crypto.randomUUID()}`;
      await door.owner.sql`
        insert into signing_keys (kid, algorithm, public_jwk, private_jwk_sealed, signs_from)
        values (${kid}, ${algorithm}, ${JSON.stringify(publicJwk)}, 'x', now() + interval '1 hour')`;
      return { kid, algorithm, privateKey, publicJwk };
    }

    const seconds = () => Math.floor(Date.now() / 1000);

    /** A token as the API would make it, but for what is overridden; undefined leaves a claim out. */
    function forge(forger: Forger, claims: object = {}, header: object = {}): Promise<string> {
      const now = seconds();
      const whole = {
        iss: ISSUER,
        aud: "earshot:api",
        sub: "session:x",
        jti: "tok_x",
        account_id: door.caller.accountId,
        scope: "jobs:read",
        iat: now,
        nbf: now,
        exp: now + 300,
        ...claims,
      };
      const { algorithm: alg, kid } = forger;
      return new SignJWT(whole)
        .setProtectedHeader({ alg, kid, typ: "at+jwt", ...header })
        .sign(forger.privateKey);
    }

    test("a token may do what it was made for, for ten minutes at most, and is not kept by any cache", async () => {
      const response = await door.send("POST", PATH, { json: { scopes: ["jobs:read"] } });
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      const token = await bodyOf<Token>(response);
      expect(token).toMatchObject({ token_type: "Bearer", expires_in: 600, scope: "jobs:read" });
      expect((await door.send("GET", "/v1/jobs", as(token.access_token))).status).toBe(200);
      const submit = await door.send("POST", "/v1/jobs", { json: JOB, ...as(token.access_token) });
      expect(submit.status).toBe(403);
      const me = await bodyOf(await door.send("GET", "/v1/me", as(token.access_token)));
      expect(me).toMatchObject({ account_id: door.caller.accountId, actor: { kind: "token" } });
      expect((await door.send("POST", PATH, { json: { expires_in: 601 } })).status).toBe(400);
    });

    test("a token for browsers uploads, and does nothing else", async () => {
      const { access_token: token } = await make({ scopes: ["uploads:write"] });
      const upload = await door.send("POST", "/v1/uploads", { json: UPLOAD, ...as(token) });
      expect(upload.status).toBe(201);
      for (const path of ["/v1/jobs", "/v1/api-keys"]) {
        expect((await door.send("GET", path, as(token))).status, path).toBe(403);
      }
      expect((await door.send("POST", "/v1/jobs", { json: JOB, ...as(token) })).status).toBe(403);
    });

    test("nobody gets a token for more than he may, and no token makes another", async () => {
      const reader = await door.addCaller({ scopes: ["jobs:read"] });
      const more = await door.send("POST", PATH, { json: { scopes: ["jobs:write"] }, as: reader });
      expect(await refusalOf(more)).toMatchObject({ status: 403 });
      expect((await make({}, { as: reader })).scope).toBe("jobs:read");
      const powerless = await door.addCaller({ scopes: [] });
      expect((await door.send("POST", PATH, { as: powerless })).status).toBe(403);
      const { access_token: token } = await make();
      expect((await door.send("POST", PATH, { json: {}, ...as(token) })).status).toBe(403);
    });

    test("a token ends no later than the key that it was made of", async () => {
      const caller = await door.addCaller();
      await door.owner.sql`
        update api_keys set expires_at = now() + interval '60 seconds' where account_id = ${caller.accountId}`;
      const { expires_in } = await make({}, { as: caller });
      expect(expires_in).toBeGreaterThan(30);
      expect(expires_in).toBeLessThanOrEqual(60);
    });

    async function makeKey(request: object): Promise<{ accountId: string; key: string }> {
      const json = { name: "a test's", scopes: ["jobs:read"], ...request };
      const made = await bodyOf<{ key: string }>(await door.send("POST", "/v1/api-keys", { json }));
      return { accountId: door.caller.accountId, key: made.key };
    }

    test("a token of a key that is bound to addresses works from those alone", async () => {
      const from = (ip: string) => ({ headers: { "X-Test-Client-Ip": ip, "CF-Connecting-IP": ip } });
      const key = await makeKey({ ip_allow_list: ["192.0.2.0/24"] });
      const { access_token: token } = await make({}, { as: key, ...from("192.0.2.7") });
      const ask = async (ip: string) =>
        (await door.send("GET", "/v1/me", { ...as(token), ...from(ip) })).status;
      expect([await ask("192.0.2.8"), await ask("198.51.100.1")]).toEqual([200, 401]);
    });

    test("tokens are counted with the key that they were made of, against its own rate", async () => {
      const key = await makeKey({ requests_per_minute: 4 });
      const [first, second] = [await make({}, { as: key }), await make({}, { as: key })];
      expect(await statusOf(first.access_token)).toBe(200);
      const last = await door.send("GET", "/v1/me", as(second.access_token));
      expect([last.status, last.headers.get("RateLimit-Policy")]).toEqual([
        200,
        expect.stringContaining('"key";q=4;w=60'),
      ]);
      expect(await statusOf(first.access_token)).toBe(429);
      expect((await door.send("GET", "/v1/me", { as: key })).status).toBe(429);
      expect((await door.send("GET", "/v1/me")).status).toBe(200);
    });

    test("a token of a key that isn't there is refused", async () => {
      const sub = "api_key:key_01ARZ3NDEKTSV4RRFFQ69G5FAV";
      expect(await statusOf(await forge(await plantKey(), { sub }))).toBe(401);
    });

    test("an access token outlives the revocation of its key by its own ten minutes, and no more", async () => {
      const caller = await door.addCaller();
      const { access_token: token } = await make({}, { as: caller });
      await door.owner.sql`update api_keys set revoked_at = now() where account_id = ${caller.accountId}`;
      expect((await door.send("GET", "/v1/me", { as: caller })).status).toBe(401);
      expect(await statusOf(token)).toBe(200);
      const planted = await plantKey();
      // Ten minutes and the tolerance for clocks later, whatever the token says of its end.
      expect(await statusOf(await forge(planted, { iat: seconds() - 640, exp: seconds() + 3600 }))).toBe(401);
      expect(await statusOf(await forge(planted, { iat: seconds() - 500, exp: seconds() + 60 }))).toBe(200);
      expect(await statusOf(await forge(planted, { iat: seconds() - 700, exp: seconds() - 40 }))).toBe(401);
    });

    test("clocks may be half a minute apart, and no more", async () => {
      const ours = await plantKey();
      const late = (by: number) => forge(ours, { iat: seconds() - 300, exp: seconds() - by });
      const early = (by: number) => forge(ours, { iat: seconds() + by, nbf: seconds() + by });
      for (const by of [20, 25]) {
        expect([await statusOf(await late(by)), await statusOf(await early(by))], `${by} s`).toEqual([
          200, 200,
        ]);
      }
      for (const by of [35, 60]) {
        expect([await statusOf(await late(by)), await statusOf(await early(by))], `${by} s`).toEqual([
          401, 401,
        ]);
      }
    });

    test("a forged, foreign, stale or damaged token is refused, each like the other", async () => {
      const ours = await plantKey();
      const foreign = { ...(await plantKey()), kid: ours.kid };
      const other = await plantKey("ES256");
      const revoked = await plantKey();
      await door.owner.sql`update signing_keys set revoked_at = now() where kid = ${revoked.kid}`;
      const good = await forge(ours);
      expect(await statusOf(good)).toBe(200);
      expect(await statusOf(await forge(other))).toBe(200);
      const [head = "", body = "", signature = ""] = good.split(".");
      const symmetric = (key: string) =>
        new SignJWT(payloadOf(body))
          .setProtectedHeader({ alg: "HS256", kid: ours.kid, typ: "at+jwt" })
          .sign(new TextEncoder().encode(key));
      const changed = btoa(JSON.stringify({ ...payloadOf(body), scope: "jobs:write keys:write" })).replaceAll(
        "=",
        "",
      );
      const refused: Record<string, string> = {
        "alg HS256 with the public key": await symmetric(JSON.stringify(ours.publicJwk)),
        "alg HS256 with the public key's x": await symmetric(ours.publicJwk.x ?? ""),
        "alg none": new UnsecuredJWT(payloadOf(body)).encode(),
        "alg none with our kid": `${encode({ alg: "none", kid: ours.kid, typ: "at+jwt" })}.${body}.`,
        "no signature": `${head}.${body}.`,
        "another audience": await forge(ours, { aud: "earshot:box" }),
        "no audience": await forge(ours, { aud: undefined }),
        "another issuer": await forge(ours, { iss: "https://api.test.example.com" }),
        "no issuer": await forge(ours, { iss: undefined }),
        expired: await forge(ours, { exp: seconds() - 60 }),
        "without an end": await forge(ours, { exp: undefined }),
        "not valid yet": await forge(ours, { nbf: seconds() + 120 }),
        "without a beginning": await forge(ours, { nbf: undefined }),
        "made in the future": await forge(ours, { iat: seconds() + 120 }),
        "without an account": await forge(ours, { account_id: undefined }),
        "another type": await forge(ours, {}, { typ: "JWT" }),
        "no type": await forge(ours, {}, { typ: undefined }),
        "no kid": await forge(ours, {}, { kid: undefined }),
        "an unknown kid": await forge(ours, {}, { kid: "unknown" }),
        "another's kid": await forge(ours, {}, { kid: other.kid }),
        "a kid that is SQL": await forge(ours, {}, { kid: "' or 1=1 --" }),
        "a key of its own in the header": await forge(foreign, {}, { jwk: foreign.publicJwk }),
        "a foreign key": await forge(foreign),
        "a revoked key": await forge(revoked),
        "an unknown critical header": await forge(ours, {}, { crit: ["exp"], exp: 1 }).catch(() => "x.y.z"),
        "changed claims": `${head}.${changed}.${signature}`,
        "a changed signature": `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
        oversized: await forge(ours, { pad: "x".repeat(5000) }),
        "oversized below the header's cap": await forge(ours, { pad: "x".repeat(2800) }).then(
          (token) => `${token}${"A".repeat(Math.max(0, 4097 - token.length))}`,
        ),
        "four parts": `${good}.x`,
        "no JSON": `${btoa("x")}.${btoa("y")}.${signature}`,
      };
      const answers: [string, unknown][] = [];
      for (const [what, token] of Object.entries(refused)) {
        const response = await door.send("GET", "/v1/me", as(token));
        const problem = await bodyOf<Record<string, unknown>>(response);
        answers.push([
          what,
          { ...problem, request_id: "", challenge: response.headers.get("WWW-Authenticate") },
        ]);
      }
      const [, told] = answers[0] ?? [];
      expect(told).toMatchObject({ status: 401, code: "unauthorized", challenge: "Bearer" });
      for (const [what, answer] of answers) expect(answer, what).toEqual(told);
    });

    test("the set of keys holds the public half of what signs, by its thumbprint, and may be cached for a while", async () => {
      const { access_token: token } = await make();
      const response = await door.send("GET", "/.well-known/jwks.json", { headers: { Authorization: null } });
      expect(response.headers.get("Cache-Control")).toBe("public, max-age=300");
      const { keys } = await bodyOf<{ keys: Record<string, string>[] }>(response);
      const signer = keys.find(({ kid }) => kid === headerOf(token).kid);
      expect(signer).toEqual({
        kty: "OKP",
        crv: "Ed25519",
        x: expect.any(String),
        kid: expect.stringMatching(/^[\w-]{43}$/),
        alg: "EdDSA",
        use: "sig",
      });
      expect(JSON.stringify(keys)).not.toMatch(/"d"|sealed/);
    });
  });
}

function encode(value: object): string {
  return btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
}

function payloadOf(body: string): Record<string, unknown> {
  return JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
}
