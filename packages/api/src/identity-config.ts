import * as z from "zod";
import { SIGNING_ALGORITHMS } from "@earshot/shared/crypto/signing-keys";
import type { TokenSettings } from "./deps.ts";

/** Of who calls, the same in every runtime. */
export const IDENTITY_SHAPE = {
  TOKEN_ALGORITHM: z.enum(SIGNING_ALGORITHMS).default("EdDSA"),
};

type Parsed = z.output<z.ZodObject<typeof IDENTITY_SHAPE>>;

export function tokenSettings(parsed: Parsed, publicUrl: string): TokenSettings {
  return { issuer: publicUrl, algorithm: parsed.TOKEN_ALGORITHM };
}
