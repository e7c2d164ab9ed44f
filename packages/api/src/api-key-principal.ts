import { apiKeyMatches, parseApiKey } from "@earshot/shared/crypto/api-keys";
import { findApiKeyByPrefix, touchApiKey } from "@earshot/shared/db/api-keys";
import type { ApiKey } from "@earshot/shared/db/api-keys";
import { isInRange, parseIp, parseIpRange } from "@earshot/shared/domain/ip-address";
import { describeError } from "@earshot/shared/log";
import { inBackground } from "./background.ts";
import type { Deps } from "./deps.ts";
import type { AppContext } from "./env.ts";
import { note } from "./env.ts";
import type { PrincipalResolver } from "./principal.ts";

/** API keys: one query and one hash, whether the key is known, revoked or made up. */
export function resolveApiKey(deps: Pick<Deps, "db" | "log" | "clock">): PrincipalResolver {
  return async function apiKeyPrincipal(credential, c) {
    const parts = parseApiKey(credential);
    if (parts === null) return null;
    const row = await findApiKeyByPrefix(deps.db, parts.prefix);
    const matches = await apiKeyMatches(parts.secret, row?.secretHash ?? null);
    if (row !== null && !matches) c.set("claimed", { accountId: row.accountId, keyId: row.id });
    if (row === null || !matches || !row.usable) return null;
    if (!mayComeFrom(row, c.var.clientIp)) {
      // Told like a wrong key: whoever has stolen one need not learn that it is right.
      note(c, { refused_key_id: row.id, refused_because: "ip_not_allowed" });
      return null;
    }
    if (isTouchDue(row, deps.clock())) inBackground(c, touch(deps, row, c));
    return {
      accountId: row.accountId,
      actor: { kind: "api_key", id: row.id },
      keyId: row.id,
      ...(row.madeFor !== null && { madeFor: row.madeFor }),
      scopes: row.scopes,
      requestsPerMinute: row.requestsPerMinute,
      allowedModels: row.allowedModels,
      ...(row.expiresAt !== null && { expiresAt: row.expiresAt }),
    };
  };
}

/** An unknown address is on no list. */
export function mayComeFrom({ ipAllowList }: Pick<ApiKey, "ipAllowList">, clientIp: string | null): boolean {
  if (ipAllowList.length === 0) return true;
  const ip = parseIp(clientIp ?? "");
  if (ip === null) return false;
  return ipAllowList.some((text) => {
    const range = parseIpRange(text);
    return range !== null && isInRange(ip, range);
  });
}

const TOUCH_EVERY_MS = 60_000;

function isTouchDue({ lastUsedAt }: ApiKey, now: Date): boolean {
  return lastUsedAt === null || now.getTime() - lastUsedAt.getTime() > TOUCH_EVERY_MS;
}

async function touch({ db, log }: Pick<Deps, "db" | "log">, key: ApiKey, c: AppContext): Promise<void> {
  try {
    await touchApiKey(db, key.id);
  } catch (error) {
    log.warn("api_key_not_touched", { request_id: c.var.requestId, key_id: key.id, ...describeError(error) });
  }
}
