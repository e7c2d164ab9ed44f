import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { UnsecuredJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseIssuers } from "../oidc/issuer-config.ts";
import type { Provider } from "../oidc/provider.ts";
import { finishFlow, startFlow } from "./provider-sign-in.ts";

let answer: object = {};
const server = createServer((_, response) => void response.end(JSON.stringify(answer)));
let issuer: string;
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const DEPS = { clock: () => new Date(), tokens: { issuer: "https://api.test", algorithm: "EdDSA" as const } };

/** A provider whose signatures are all good: what it says, and of whom, is the test's to choose. */
function providerSaying(claims: Record<string, unknown>, typ = "JWT"): Provider {
  const [config] = parseIssuers(JSON.stringify([{ issuer, client: { id: "us" } }]));
  if (config === undefined) throw new Error("no issuer");
  const head = { alg: "RS256", kid: "k", typ };
  const [, body = ""] = new UnsecuredJWT({ iss: issuer, ...claims }).encode().split(".");
  answer = { id_token: `${btoa(JSON.stringify(head)).replaceAll("=", "")}.${body}.c2ln` };
  return {
    config,
    metadata: async () => ({
      issuer,
      jwks_uri: issuer,
      authorization_endpoint: issuer,
      token_endpoint: issuer,
    }),
    verify: async (_, { audience }) => (claims["aud"] === audience ? claims : null),
  };
}

/** What comes of a sign-in whose ID token says this, beside the nonce of the flow. */
async function outcomeOf(claims: Record<string, unknown>, typ?: string): Promise<string> {
  const { flow } = await startFlow(providerSaying({}), { returnTo: "/", accountId: null }, DEPS);
  const provider = providerSaying({ aud: "us", sub: "s", nonce: flow.nonce, ...claims }, typ);
  const returned = { code: "c", state: flow.state, iss: undefined };
  return finishFlow(provider, flow, returned, DEPS).then(
    ({ subject }) => subject,
    (error: { code: string }) => error.code,
  );
}

test("an ID token for us, of this very sign-in, says who it is", async () => {
  expect(await outcomeOf({})).toBe("s");
  expect(await outcomeOf({ azp: "us" })).toBe("s");
});

test.for([
  ["another nonce", { nonce: "another" }, undefined],
  ["no nonce", { nonce: undefined }, undefined],
  ["another audience", { aud: "another" }, undefined],
  ["another authorized party", { azp: "another" }, undefined],
  ["no subject", { sub: "" }, undefined],
  ["the type of an access token", {}, "at+jwt"],
] as const)("an ID token with %s signs nobody in", async ([, claims, typ]) => {
  expect(await outcomeOf(claims, typ)).toBe("unauthorized");
});
