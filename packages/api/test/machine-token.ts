/** A client of the test's provider that comes for itself, not for a person. */
export const MACHINE = { id: "a-machine", secret: "another secret of the test's" };

/** Audience of its access tokens. */
const AUDIENCE = "https://earshot.test/api";

/** What EARSHOT_OIDC_ISSUERS says of a provider whose tokens are shown to the API as they are. */
export function machineRules(issuer: string) {
  return {
    issuer,
    audience: AUDIENCE,
    account: { claim: "realm.account" },
    role: { claim: "realm.groups", map: { admin: "admin", member: "member" } },
  };
}

interface Asked {
  audience?: string;
  /** Claimed as its own. */
  account?: string;
}

/** An access token for a machine, whose groups are `groups`. */
export async function machineToken(
  { issuer }: { issuer: string },
  groups: string,
  { audience = AUDIENCE, account }: Asked = {},
): Promise<string> {
  const form = { grant_type: "client_credentials", scope: groups, resource: audience };
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${MACHINE.id}:${encodeURIComponent(MACHINE.secret)}`)}` },
    body: new URLSearchParams({ ...form, ...(account !== undefined && { account }) }),
  });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.access_token;
}
