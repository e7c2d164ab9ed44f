import * as z from "zod";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { SIGNING_ALGORITHMS } from "@earshot/shared/crypto/signing-keys";
import type { TokenSettings } from "./deps.ts";
import { parseIssuers } from "./oidc/issuer-config.ts";

/** Of who calls, the same in every runtime. */
export const IDENTITY_SHAPE = {
  OIDC_ISSUERS: parsedBy(parseIssuers, "is not a JSON list of issuers").default([]),
  TOKEN_ALGORITHM: z.enum(SIGNING_ALGORITHMS).default("EdDSA"),
};

type Parsed = z.output<z.ZodObject<typeof IDENTITY_SHAPE>>;

export function tokenSettings(parsed: Parsed, publicUrl: string): TokenSettings {
  return { issuer: publicUrl, algorithm: parsed.TOKEN_ALGORITHM };
}
