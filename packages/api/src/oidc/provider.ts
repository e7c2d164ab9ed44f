import { verifyJwtOf } from "@earshot/shared/crypto/jwt";
import type { JwtRules } from "@earshot/shared/crypto/jwt";
import * as z from "zod";
import { cached } from "./cached-json.ts";
import { fetchJson } from "./fetch-json.ts";
import type { IssuerConfig } from "./issuer-config.ts";

const Metadata = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  authorization_endpoint: z.url().optional(),
  token_endpoint: z.url().optional(),
});

export type ProviderMetadata = z.output<typeof Metadata>;

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(64) });

const MINUTE_MS = 60_000;

/** An identity provider elsewhere. It lives as long as the process: it remembers what it has fetched. */
export interface Provider {
  config: IssuerConfig;
  metadata(): Promise<ProviderMetadata>;
  /** Null: the token is not good. @throws when its keys can't be had. */
  verify(
    token: string,
    rules: Omit<JwtRules, "issuer" | "algorithms">,
  ): Promise<Record<string, unknown> | null>;
}

export function openProvider(
  config: IssuerConfig,
  { now = Date.now, fetchFrom = fetchJson }: { now?: () => number; fetchFrom?: typeof fetchJson } = {},
): Provider {
  const metadata = cached({
    load: async () => {
      const found = Metadata.parse(await fetchFrom(`${config.issuer}/.well-known/openid-configuration`));
      // OpenID Connect Discovery, section 4.3: else one provider could speak for another.
      if (found.issuer !== config.issuer) throw new Error(`${config.issuer} says that it is somebody else`);
      return found;
    },
    now,
    maxAgeMs: 60 * MINUTE_MS,
    cooldownMs: MINUTE_MS,
  });
  const keys = cached({
    load: async () => KeySet.parse(await fetchFrom((await metadata.get()).jwks_uri)),
    now,
    maxAgeMs: 10 * MINUTE_MS,
    cooldownMs: MINUTE_MS / 2,
  });
  const { issuer, algorithms } = config;
  return {
    config,
    metadata: () => metadata.get(),
    verify: async (token, rules) => verifyJwtOf(token, keys, { ...rules, issuer, algorithms }),
  };
}
