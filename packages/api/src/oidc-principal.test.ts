import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../test/api-under-test.ts";
import type { ApiUnderTest } from "../test/api-under-test.ts";
import { Browser } from "../test/browser.ts";
import { startIdentityProvider } from "../test/identity-provider.ts";
import type { IdentityProvider } from "../test/identity-provider.ts";
import { machineRules, machineToken } from "../test/machine-token.ts";
import { CALLBACK, CLIENT, signInRules } from "../test/sign-in-rules.ts";
import { createApp } from "./app.ts";
import { parseIssuers } from "./oidc/issuer-config.ts";
import { openProvider } from "./oidc/provider.ts";
import { finishFlow, startFlow } from "./sign-in/provider-sign-in.ts";

let idp: IdentityProvider;
let api: ApiUnderTest;
let clockMs = Date.now();
beforeAll(async () => {
  idp = await startIdentityProvider([CALLBACK]);
  api = await startApi();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await idp[Symbol.asyncDispose]();
});

/** A front door that believes the provider, with a memory of its own. */
function doorFor(overrides: object = {}) {
  const rules = {
    ...machineRules(idp.issuer),
    account: { id: api.caller.accountId },
    ...overrides,
  };
  const [config] = parseIssuers(JSON.stringify([rules]));
  if (config === undefined) throw new Error("no issuer");
  return createApp({ ...api.deps, providers: [openProvider(config, { now: () => clockMs })] });
}

/** One whose provider says this, and nothing else. */
function doorOf(keys: object, issuer = idp.issuer) {
  const [config] = parseIssuers(
    JSON.stringify([{ ...machineRules(idp.issuer), account: { id: api.caller.accountId } }]),
  );
  if (config === undefined) throw new Error("no issuer");
  const asked: string[] = [];
  const fetchFrom = async (url: string) => {
    asked.push(url);
    return url.endsWith("/jwks") ? keys : { issuer, jwks_uri: `${idp.issuer}/jwks` };
  };
  const providers = [openProvider(config, { now: () => clockMs, fetchFrom })];
  return { via: createApp({ ...api.deps, providers }), asked };
}

const me = (token: string, via = doorFor()) =>
  api.send("GET", "/v1/me", { via, headers: { Authorization: `Bearer ${token}` } });

/** A token by a key of the test's, as the provider would make it. */
async function forged(claims: object = {}, header: object = {}): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const real = decodeJwt(await machineToken(idp, "admin"));
  const jwk = await exportJWK(publicKey);
  return new SignJWT({ ...real, ...claims })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "forged", jwk, ...header })
    .sign(privateKey);
}

test("a token of a configured issuer has the account and the role that its claims are mapped to", async () => {
  const answer = await bodyOf(await me(await machineToken(idp, "member admin")));
  expect(answer).toMatchObject({
    account_id: api.caller.accountId,
    actor: { kind: "oidc", id: "a-machine" },
    role: "admin",
  });
  const member = await bodyOf<{ scopes: string[] }>(await me(await machineToken(idp, "member")));
  expect(member.scopes).not.toContain("keys:write");
});

test("without a mapped role, an account that is there, or our audience, it is refused", async () => {
  expect((await me(await machineToken(idp, "nobody"))).status).toBe(401);
  expect(
    (await me(await machineToken(idp, "admin", { audience: "https://elsewhere.test/api" }))).status,
  ).toBe(401);
  const token = await machineToken(idp, "admin");
  const gone = { account: { id: "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV" } };
  expect((await me(token, doorFor(gone))).status).toBe(401);
  expect((await me(token, doorFor({ account: { claim: "client_id" } }))).status).toBe(401);
  expect((await me(token, doorFor({ audience: undefined }))).status).toBe(401);
  expect((await me(token, doorFor({ algorithms: ["RS256"] }))).status).toBe(401);
  expect((await me(token, api.app)).status).toBe(401);
});

test("it makes no token of ours, which would outlive it", async () => {
  const headers = { Authorization: `Bearer ${await machineToken(idp, "admin")}` };
  expect((await api.send("POST", "/v1/auth/token", { via: doorFor(), headers })).status).toBe(403);
});

test("tokens that name unknown keys have the issuer asked again at most once in half a minute", async () => {
  const via = doorFor();
  expect((await me(await machineToken(idp, "admin"), via)).status).toBe(200);
  const fetches = () => idp.asked.get("/jwks") ?? 0;
  const before = fetches();
  for (let n = 0; n < 10; n += 1) expect((await me(await forged(), via)).status).toBe(401);
  expect(fetches()).toBe(before);
  clockMs += 31_000;
  for (let n = 0; n < 10; n += 1) expect((await me(await forged(), via)).status).toBe(401);
  expect(fetches()).toBe(before + 1);
});

test("after the issuer has replaced its keys its new tokens are believed, and the old ones no more", async () => {
  const via = doorFor();
  const old = await machineToken(idp, "admin");
  expect((await me(old, via)).status).toBe(200);
  await idp.replaceKeys();
  clockMs += 31_000;
  expect((await me(await machineToken(idp, "admin"), via)).status).toBe(200);
  expect((await me(old, via)).status).toBe(401);
});

test("a key that the issuer has withdrawn is believed for ten minutes at most, whoever else asks", async () => {
  const via = doorFor();
  const token = await machineToken(idp, "admin");
  expect((await me(token, via)).status).toBe(200);
  await idp.replaceKeys();
  clockMs += 9 * 60_000;
  expect((await me(token, via)).status).toBe(200);
  clockMs += 61_000;
  expect((await me(token, via)).status).toBe(401);
});

test.for([
  ["an access token", "at+jwt", 200],
  ["one that does not say what it is", undefined, 200],
  ["the word that somebody has signed out", "logout+jwt", 401],
  ["a token that is bound to a key", "dpop+jwt", 401],
] as const)("of what the issuer signs, %s is answered by %s: %i", async ([, typ, status]) => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const { via } = doorOf({ keys: [{ ...(await exportJWK(publicKey)), kid: "k", use: "sig" }] });
  const claims = decodeJwt(await machineToken(idp, "admin"));
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid: "k", ...(typ !== undefined && { typ }) })
    .sign(privateKey);
  expect((await me(token, via)).status).toBe(status);
});

test("an issuer whose metadata names another one vouches for nobody", async () => {
  const keys = (await (await fetch(`${idp.issuer}/jwks`)).json()) as object;
  const token = await machineToken(idp, "admin");
  expect((await me(token, doorOf(keys).via)).status).toBe(200);
  const { via, asked } = doorOf(keys, "https://somebody.else.test");
  expect((await me(token, via)).status).toBe(401);
  expect(asked).toEqual([`${idp.issuer}/.well-known/openid-configuration`]);
});

test("an issuer that is down is asked less and less, and what is known of it holds on", async () => {
  const token = await machineToken(idp, "admin");
  const known = doorFor();
  const fresh = doorFor();
  expect((await me(token, known)).status).toBe(200);
  const asked = () => idp.asked.get("/.well-known/openid-configuration") ?? 0;
  idp.setDown(true);
  try {
    const before = asked();
    for (let second = 0; second < 120; second += 1) {
      clockMs += 1_000;
      expect((await me(token, fresh)).status).toBe(401);
    }
    // After 0, 1, 3, 7, 15, 31, 63 s.
    expect(asked() - before).toBeLessThanOrEqual(8);
    clockMs += 11 * 60_000;
    expect((await me(token, known)).status).toBe(200);
  } finally {
    idp.setDown(false);
  }
  clockMs += 61_000;
  expect((await me(token, fresh)).status).toBe(200);
});

test("a client's secret is renewed at the provider: people sign in with the new one, and with the old one no more", async () => {
  const signInWith = async (secret: string) => {
    const client = { ...CLIENT, secret };
    const [config] = parseIssuers(JSON.stringify([{ ...signInRules(idp.issuer), client }]));
    if (config === undefined) throw new Error("no issuer");
    const provider = openProvider(config);
    const begun = { returnTo: "/", accountId: null };
    const { url, flow } = await startFlow(provider, begun, api.deps, "anna@example.com");
    const { searchParams: back } = await new Browser(api).walk(url, CALLBACK);
    const [code = "", state = ""] = [back.get("code") ?? "", back.get("state") ?? ""];
    return finishFlow(provider, flow, { code, state, iss: back.get("iss") ?? undefined }, api.deps);
  };
  expect(await signInWith(CLIENT.secret)).toMatchObject({ email: "anna@example.com" });
  const next = "the next secret of the test's";
  await idp.renewClientSecret(next);
  expect(await signInWith(next)).toMatchObject({ email: "anna@example.com" });
  await expect(signInWith(CLIENT.secret)).rejects.toMatchObject({ code: "unauthorized" });
});
