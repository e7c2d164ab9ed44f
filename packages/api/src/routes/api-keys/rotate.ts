import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { findApiKey, rotateApiKey as rotate } from "@earshot/shared/db/api-keys";
import type { ApiKey, Rotated } from "@earshot/shared/db/api-keys";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { actorName, makerOf } from "../../principal.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { keyBody, NewApiKey, SECRET_HEADERS } from "./key-body.ts";
import { expiry, readExpiry } from "./key-request.ts";

const LONGEST_GRACE_SECONDS = 30 * 24 * 3600;
const GRACE_SECONDS = 24 * 3600;

const RotationRequest = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(LONGEST_GRACE_SECONDS)
      .default(GRACE_SECONDS)
      .describe(doc("How long the old key lives on, so that clients can be moved. 0: it ends at once.")),
    expires_at: expiry
      .describe(doc("Of the new key. Without it, it lives as long as the old one was made for."))
      .optional(),
  })
  .meta({ id: doc("ApiKeyRotation") });

const route = createRoute({
  method: "post",
  path: "/v1/api-keys/{id}/rotate",
  summary: doc("Replace an API key by one that may do the same; the old one lives until its grace ends"),
  middleware: authorize("keys:write"),
  request: {
    params: IdParams,
    body: { required: false, content: { "application/json": { schema: RotationRequest } } },
  },
  responses: doc(() => ({
    201: {
      description: "The new key. Keep it: only its hash stays here.",
      content: { "application/json": { schema: NewApiKey } },
    },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "body_too_large",
      "unsupported_content_type",
    ),
  })),
});

export function rotateApiKey(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const id = requireId("apiKey", c.req.valid("param").id);
    // No body at all is not validated, and comes without the defaults.
    const request = RotationRequest.parse(c.req.valid("json"));
    const { principal } = c.var;
    const old = await findApiKey(db, principal.accountId, id);
    if (old === null) throw new AppError("not_found");
    // Its successor's secret is shown to the caller, who could else become more than he is.
    refuseBroader(principal, old.scopes);
    const key = await newApiKey();
    const rotation = {
      graceSeconds: request.grace_seconds,
      key,
      createdBy: actorName(principal),
      madeFor: makerOf(principal),
      ...(request.expires_at !== undefined && { expiresAt: readExpiry(request.expires_at, clock()) }),
    };
    const row = await db.transaction(async (tx) => {
      const made = requireRotated(await rotate(tx, principal.accountId, id, rotation));
      const detail = { successor: made.id, grace_seconds: request.grace_seconds };
      await audit(c, tx, { action: "api_key.rotate", target: id, detail });
      return made;
    });
    note(c, { made_key_id: row.id });
    const headers = { ...SECRET_HEADERS, Location: `/v1/api-keys/${row.id}` };
    return c.json({ ...keyBody(row, clock()), key: key.key }, 201, headers);
  });
}

/** @throws AppError `conflict` */
function requireRotated(rotated: Rotated): ApiKey {
  if (rotated.outcome === "rotated") return rotated.key;
  const message =
    rotated.outcome === "not_live"
      ? "The key is revoked or has expired: make a new one."
      : `The key was rotated already, by ${rotated.successorId}: rotate that one.`;
  throw new AppError("conflict", { message });
}
