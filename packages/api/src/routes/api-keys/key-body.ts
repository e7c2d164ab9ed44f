import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { ApiKey as ApiKeyRow } from "@earshot/shared/db/api-keys";

export const ApiKey = doc(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      prefix: z.string().describe("How the key begins, to tell keys apart."),
      status: z.enum(["live", "expired", "revoked"]),
      scopes: z.array(z.string()),
      ip_allow_list: z.array(z.string()).describe("Empty: it may be used from anywhere."),
      requests_per_minute: z.number().int().nullable(),
      created_at: z.iso.datetime(),
      created_by: z.string().nullable().describe("Kind and id of the credential that asked for it."),
      expires_at: z.iso.datetime().nullable(),
      revoked_at: z.iso.datetime().nullable(),
      last_used_at: z.iso.datetime().nullable().describe("To the minute."),
      rotated_from: z.string().nullable().describe("The key that this one replaces."),
    })
    .meta({ id: "ApiKey" }),
);

export const NewApiKey = doc(() =>
  ApiKey.extend({
    key: z.string().describe("The secret. It is shown this once."),
  }).meta({ id: "NewApiKey" }),
);

/** Never kept by anybody between us and the client. */
export const SECRET_HEADERS = { "Cache-Control": "no-store" };

export function keyBody(key: ApiKeyRow, now: Date): z.output<typeof ApiKey> {
  return {
    id: key.id,
    name: key.name,
    prefix: `ek_${key.prefix}`,
    status: statusOf(key, now),
    scopes: key.scopes,
    ip_allow_list: key.ipAllowList,
    requests_per_minute: key.requestsPerMinute,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    rotated_from: key.rotatedFrom,
  };
}

function statusOf({ revokedAt, expiresAt }: ApiKeyRow, now: Date): "live" | "expired" | "revoked" {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && expiresAt <= now ? "expired" : "live";
}
