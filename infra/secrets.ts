/** `sst secret set NAME`: none has a default, and a deploy without one of them fails. docs/secrets.md has how each is renewed. */
const values = {
  EARSHOT_SEAL_KEYS: new sst.Secret("SealKeys"),
  EARSHOT_RESULT_KEYS: new sst.Secret("ResultKeys"),
  /** `[]` where people sign in nowhere else. */
  EARSHOT_OIDC_ISSUERS: new sst.Secret("OidcIssuers"),
};

/** Of the login `earshot_api`. The Worker never sees it: Hyperdrive has it. */
export const databasePassword = new sst.Secret("DatabasePassword");

/** As secrets of the Worker, by the names that it reads. */
export const secretBindings = Object.entries(values).map(([name, { value }]) => secretBinding(name, value));

export function secretBinding(name: string, text: $util.Output<string>): sst.Linkable<Record<string, never>> {
  const binding = sst.cloudflare.binding({ type: "secretTextBindings", properties: { text } });
  return new sst.Linkable(name, { properties: {}, include: [binding] });
}
