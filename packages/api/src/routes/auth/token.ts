import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { LONGEST_TOKEN_SECONDS, signAccessToken } from "@earshot/shared/crypto/access-tokens";
import { newId } from "@earshot/shared/crypto/ids";
import { requireSigner } from "@earshot/shared/db/signing-keys";
import { AppError } from "@earshot/shared/domain/errors";
import { SCOPES } from "@earshot/shared/domain/scopes";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { actorName, hasScope, makerOf } from "../../principal.ts";
import type { Principal } from "../../principal.ts";
import { problems } from "../answers.ts";

const TokenRequest = z
  .strictObject({
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .max(SCOPES.length)
      .optional()
      .describe(
        doc(
          "What the token may do, never more than its maker; all of that without it. `uploads:write` alone is for browsers.",
        ),
      ),
    expires_in: z
      .int()
      .min(10)
      .max(LONGEST_TOKEN_SECONDS)
      .default(LONGEST_TOKEN_SECONDS)
      .describe(doc("Seconds.")),
  })
  .meta({ id: doc("TokenRequest") });

/** In the words of OAuth 2 (RFC 6749, section 5.1). */
const Token = doc(() =>
  z
    .object({
      access_token: z.string(),
      token_type: z.literal("Bearer"),
      expires_in: z.number().int(),
      scope: z.string(),
    })
    .meta({ id: "AccessToken" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/auth/token",
  summary: doc("Make an access token of an API key or a session, for ten minutes at most"),
  request: { body: { required: false, content: { "application/json": { schema: TokenRequest } } } },
  responses: doc(() => ({
    200: {
      description:
        "The token. It outlives a revocation of what it was made from by no more than its own time.",
      content: { "application/json": { schema: Token } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

export function createToken(app: App, deps: Pick<Deps, "db" | "clock" | "sealKeys" | "tokens">): void {
  app.openapi(route, async (c) => {
    const { principal } = c.var;
    refuseUnfit(principal);
    // No body at all is not validated, and comes without the defaults.
    const request = TokenRequest.parse(c.req.valid("json"));
    const scopes = [...new Set(request.scopes ?? SCOPES.filter((scope) => hasScope(principal, scope)))];
    if (scopes.length === 0) throw new AppError("forbidden", { message: "This credential has no scope." });
    refuseBroader(principal, scopes);
    const now = deps.clock();
    const expiresAt = endOf(principal, now, request.expires_in);
    const { accountId } = principal;
    const made = { source: actorName(principal), madeFor: makerOf(principal) };
    const token = { id: newId("token"), accountId, scopes, ...made, expiresAt };
    const { sealKeys, tokens } = deps;
    const key = await requireSigner(deps.db, sealKeys, tokens.algorithm);
    const signed = await signAccessToken(token, { key, sealKeys, issuer: tokens.issuer, now });
    await audit(c, deps.db, { action: "token.create", target: token.id, detail: { scopes } });
    note(c, { made_token_id: token.id });
    const body = {
      access_token: signed,
      token_type: "Bearer" as const,
      expires_in: Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000)),
      scope: scopes.join(" "),
    };
    return c.json(body, 200, { "Cache-Control": "no-store" });
  });
}

/** A token that made a token would never end. */
function refuseUnfit({ actor }: Principal): void {
  if (actor.kind === "api_key" || actor.kind === "session") return;
  throw new AppError("forbidden", { message: "Tokens are made of an API key or a session." });
}

/** Not beyond the end of what it is made from. */
function endOf({ expiresAt }: Principal, now: Date, seconds: number): Date {
  const own = new Date(now.getTime() + seconds * 1000);
  return expiresAt !== undefined && expiresAt < own ? expiresAt : own;
}
