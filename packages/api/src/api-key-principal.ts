import { apiKeyMatches, parseApiKey } from "@earshot/shared/crypto/api-keys";
import { findApiKey, touchApiKey } from "@earshot/shared/db/api-keys";
import type { ApiKey } from "@earshot/shared/db/api-keys";
import { describeError } from "@earshot/shared/log";
import { inBackground } from "./background.ts";
import type { Deps } from "./deps.ts";
import type { AppContext } from "./env.ts";
import type { PrincipalResolver } from "./principal.ts";

/** API keys: one query and one hash, whether the key is known, revoked or made up. */
export function resolveApiKey(deps: Pick<Deps, "db" | "log" | "clock">): PrincipalResolver {
  return async function apiKeyPrincipal(credential, c) {
    const parts = parseApiKey(credential);
    if (parts === null) return null;
    const row = await findApiKey(deps.db, parts.prefix);
    const matches = await apiKeyMatches(parts.secret, row?.secretHash ?? null);
    if (row === null || !matches || !row.usable) return null;
    if (isTouchDue(row, deps.clock())) inBackground(c, touch(deps, row, c));
    return { accountId: row.accountId, actor: { kind: "api_key", id: row.id }, scopes: row.scopes };
  };
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
