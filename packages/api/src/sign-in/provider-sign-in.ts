import { toBase64Url, utf8 } from "@earshot/shared/crypto/bytes";
import { constantTimeEqual } from "@earshot/shared/crypto/bytes";
import { peekJwt } from "@earshot/shared/crypto/jwt";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { AppError } from "@earshot/shared/domain/errors";
import * as z from "zod";
import type { Deps } from "../deps.ts";
import { fetchJson } from "../oidc/fetch-json.ts";
import type { Provider } from "../oidc/provider.ts";
import { FLOW_SECONDS } from "./flow-cookie.ts";
import type { Flow } from "./flow-cookie.ts";

const CALLBACK_PATH = "/v1/auth/callback";

type SignInDeps = Pick<Deps, "clock" | "tokens">;

/** Providers at which people may sign in. */
export function signInProviders({ providers }: Pick<Deps, "providers">): Provider[] {
  return providers.filter(({ config }) => config.client !== undefined);
}

/** Where to send the browser (OpenID Connect Core, section 3.1; PKCE, RFC 7636), and what it must bring back. */
export async function startFlow(
  provider: Provider,
  { returnTo, accountId }: Pick<Flow, "returnTo" | "accountId">,
  { clock, tokens }: SignInDeps,
  loginHint?: string,
): Promise<{ url: string; flow: Flow }> {
  const { authorization_endpoint: endpoint } = await provider.metadata();
  const { client, issuer } = provider.config;
  if (endpoint === undefined || client === undefined) throw new Error(`nobody can sign in at ${issuer}`);
  const [state, nonce, verifier] = [newSecret(), newSecret(), newSecret()];
  const url = new URL(endpoint);
  const asked = {
    response_type: "code",
    client_id: client.id,
    redirect_uri: tokens.issuer + CALLBACK_PATH,
    scope: client.scopes.join(" "),
    state,
    nonce,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: "S256",
    ...(loginHint !== undefined && { login_hint: loginHint }),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const endsAt = clock().getTime() + FLOW_SECONDS * 1000;
  return { url: url.href, flow: { issuer, state, nonce, verifier, returnTo, accountId, endsAt } };
}

export interface ProvenPerson {
  subject: string;
  /** In lower case; null unless the issuer vouches for it. */
  email: string | null;
  name: string | null;
  claims: Readonly<Record<string, unknown>>;
}

const TokenAnswer = z.object({ id_token: z.string() });

const IdToken = z.object({
  sub: z.string().min(1).max(255),
  nonce: z.string(),
  azp: z.string().optional(),
  email: z.string().max(254).optional(),
  email_verified: z.boolean().optional(),
  name: z.string().max(200).optional(),
});

/** Turns the code that came back into who it is. @throws AppError `unauthorized` for anything that is not as it was begun. */
export async function finishFlow(
  provider: Provider,
  flow: Flow,
  returned: { code: string; state: string; iss: string | undefined },
  { clock, tokens }: SignInDeps,
): Promise<ProvenPerson> {
  const { client, issuer } = provider.config;
  // RFC 9207: an answer of another provider than the one that was asked.
  const isOthers = returned.iss !== undefined && returned.iss !== issuer;
  if (client === undefined || isOthers || !constantTimeEqual(returned.state, flow.state)) throw notAsBegun();
  const idToken = await redeem(provider, flow, returned.code, tokens.issuer + CALLBACK_PATH);
  const claims = await verified(provider, idToken, client.id, clock());
  const parsed = IdToken.safeParse(claims);
  if (claims === null || !parsed.success || !constantTimeEqual(parsed.data.nonce, flow.nonce))
    throw notAsBegun();
  const { sub: subject, azp, email, email_verified, name } = parsed.data;
  if (azp !== undefined && azp !== client.id) throw notAsBegun();
  const isVouchedFor = email !== undefined && email_verified === true;
  return { subject, email: isVouchedFor ? email.toLowerCase() : null, name: name ?? null, claims };
}

async function redeem(provider: Provider, flow: Flow, code: string, redirectUri: string): Promise<string> {
  const { token_endpoint: endpoint } = await provider.metadata();
  const { client, issuer } = provider.config;
  if (endpoint === undefined || client === undefined) throw new Error(`nobody can sign in at ${issuer}`);
  const form = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: flow.verifier,
    ...(client.secret === undefined && { client_id: client.id }),
  };
  const answer = await fetchJson(endpoint, {
    method: "POST",
    body: new URLSearchParams(form),
    headers: client.secret === undefined ? {} : { Authorization: basic(client.id, client.secret) },
  }).catch((cause: unknown) => {
    throw notAsBegun(cause);
  });
  return TokenAnswer.parse(answer).id_token;
}

/** An ID token for us, and not an access token that happens to name us. */
async function verified(provider: Provider, idToken: string, clientId: string, now: Date) {
  if (!["jwt", ""].includes((peekJwt(idToken)?.typ ?? "").toLowerCase())) return null;
  return provider.verify(idToken, { audience: clientId, now, requiredClaims: ["iat"] });
}

/** RFC 6749, section 2.3.1: each part is form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  return `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
}

async function challengeOf(verifier: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(verifier))));
}

function notAsBegun(cause?: unknown): AppError {
  return new AppError("unauthorized", {
    message: "This sign-in can't be finished: begin it anew.",
    ...(cause !== undefined && { cause }),
  });
}
