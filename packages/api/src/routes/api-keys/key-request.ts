import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { parseIpRange } from "@earshot/shared/domain/ip-address";
import { EVERY_SCOPE, SCOPES } from "@earshot/shared/domain/scopes";
import { invalid } from "../../problem.ts";

const scopeList = z
  .array(z.enum([EVERY_SCOPE, ...SCOPES]))
  .min(1)
  .max(SCOPES.length + 1);

/** Beyond ten years somebody meant something else. */
const FURTHEST_MS = 10 * 366 * 24 * 3600 * 1000;

export const expiry = z.iso
  .datetime({ offset: true })
  .describe(doc("In the future, at most ten years away. Without it, or null: never."))
  .nullable();

export const KeyRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    scopes: scopeList.describe(doc("What it may do, never more than the credential that asks.")),
    expires_at: expiry.optional(),
    ip_allow_list: z
      .array(z.string().max(64).refine(isRange, "Neither an address nor a network (CIDR)"))
      .max(64)
      .default([]),
    requests_per_minute: z.int().min(1).max(1_000_000).nullable().default(null),
  })
  .meta({ id: doc("ApiKeyRequest") });

export function readExpiry(text: string | null | undefined, now: Date): Date | null {
  if (text === null || text === undefined) return null;
  const expiresAt = new Date(text);
  const awayMs = expiresAt.getTime() - now.getTime();
  if (!(awayMs > 0 && awayMs < FURTHEST_MS)) {
    throw invalid("/expires_at", "The expiry must be in the future, and at most ten years away.");
  }
  return expiresAt;
}

function isRange(text: string): boolean {
  return parseIpRange(text) !== null;
}
