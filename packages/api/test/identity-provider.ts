import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";
import type { Configuration, JWK } from "oidc-provider";
import { MACHINE } from "./machine-token.ts";
import { CLIENT } from "./sign-in-rules.ts";

/** A real OpenID provider in this process, as a company runs one elsewhere. */
export interface IdentityProvider extends AsyncDisposable {
  issuer: string;
  /** How often each of its addresses was asked, by path. */
  asked: ReadonlyMap<string, number>;
  /** Another set of signing keys, as after a rotation without overlap. */
  replaceKeys(): Promise<void>;
  /** Of the client for people: from now on this one alone is good. */
  renewClientSecret(secret: string): Promise<void>;
  /** Answers nothing but 503 while it is down. */
  setDown(isDown: boolean): void;
}

/** What its tokens say of a person, by what he types at the sign-in: `email|sub|verified`. Of a machine, by its scope. */
export async function startIdentityProvider(redirectUris: string[]): Promise<IdentityProvider> {
  const asked = new Map<string, number>();
  let isDown = false;
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://any").pathname;
    asked.set(path, (asked.get(path) ?? 0) + 1);
    if (isDown) return void response.writeHead(503).end();
    handle(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const configure = async (clientSecret = CLIENT.secret) => {
    handle = handlerOf(issuer, await configurationOf(redirectUris, clientSecret));
  };
  await configure();
  return {
    issuer,
    asked,
    replaceKeys: () => configure(),
    renewClientSecret: configure,
    setDown: (value) => void (isDown = value),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function newKey(alg: "RS256" | "ES256"): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...((await exportJWK(privateKey)) as JWK), use: "sig", alg, kid: crypto.randomUUID() };
}

async function configurationOf(redirectUris: string[], clientSecret: string): Promise<Configuration> {
  return {
    jwks: { keys: [await newKey("RS256"), await newKey("ES256")] },
    cookies: { keys: ["not a secret here"] },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        grant_types: ["authorization_code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
      {
        client_id: MACHINE.id,
        client_secret: MACHINE.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
      },
    ],
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      Grant: 600,
      IdToken: 300,
      Interaction: 600,
      Session: 600,
    },
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    findAccount: (_, accountId) => {
      const [email = "", sub = email, verified = "yes"] = accountId.split("|");
      const claims = { sub: accountId, email, email_verified: verified === "yes", name: `Person ${sub}` };
      return { accountId, claims: async () => claims };
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: "admin member nobody",
          audience: resource,
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    // The scope of a machine stands for the groups of a company's directory, in which it has an account of ours too.
    extraTokenClaims: ({ oidc }, token) => ({
      realm: { groups: (token.scope ?? "").split(" "), account: oidc.body?.["account"] },
    }),
    interactions: { url: (_, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: async (context) => {
      const { client, session, provider, params } = context.oidc;
      const grant = new provider.Grant({
        clientId: client?.clientId ?? "",
        accountId: session?.accountId ?? "",
      });
      grant.addOIDCScope(String(params?.["scope"] ?? ""));
      await grant.save();
      return grant;
    },
  };
}

/** Its page for signing in asks nothing: who comes is who the client hinted at. */
function handlerOf(issuer: string, configuration: Configuration) {
  const provider = new Provider(issuer, configuration);
  const callback = provider.callback();
  return async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url?.startsWith("/sign-in/")) return void callback(request, response);
    const { params } = await provider.interactionDetails(request, response);
    const accountId = String(params["login_hint"]);
    await provider.interactionFinished(request, response, { login: { accountId } });
  };
}
