import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../deps.ts";
import type { AppContext } from "../env.ts";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Browsers send a cookie along whoever asks them to. So what changes something by a cookie must come from a page of ours
 * or of a listed origin, and say so: by `Origin`, else by `Sec-Fetch-Site`. Neither can be set by a page.
 * @throws AppError `forbidden`
 */
export function refuseForeign(c: AppContext, deps: Pick<Deps, "tokens" | "corsOrigins">): void {
  if (!READS.has(c.req.method) && !isOurs(c, deps)) {
    throw new AppError("forbidden", { message: "This request does not come from a page of this site." });
  }
}

function isOurs(c: AppContext, { tokens, corsOrigins }: Pick<Deps, "tokens" | "corsOrigins">): boolean {
  const origin = c.req.header("Origin");
  if (origin === undefined) return c.req.header("Sec-Fetch-Site") === "same-origin";
  return origin === new URL(tokens.issuer).origin || corsOrigins.includes(origin);
}
