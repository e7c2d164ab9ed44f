/** Where our API has people sent back to. */
export const CALLBACK = "https://api.test/v1/auth/callback";

/** What the test's provider knows us by. */
export const CLIENT = { id: "earshot-console", secret: "a secret of the test's" };

/** The issuer in EARSHOT_OIDC_ISSUERS, for people who sign in. */
export function signInRules(issuer: string) {
  return { issuer, name: "the test's", client: CLIENT };
}
