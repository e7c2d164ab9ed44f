import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { refuseBroader } from "../../own-scopes.ts";
import { actorName, makerOf } from "../../principal.ts";
import { problems } from "../answers.ts";
import { keyBody, NewApiKey, SECRET_HEADERS } from "./key-body.ts";
import { KeyRequest, readExpiry } from "./key-request.ts";

const route = createRoute({
  method: "post",
  path: "/v1/api-keys",
  summary: doc("Make an API key; its secret is shown this once"),
  middleware: authorize("keys:write"),
  request: { body: { required: true, content: { "application/json": { schema: KeyRequest } } } },
  responses: doc(() => ({
    201: {
      description: "The key. Keep it: only its hash stays here.",
      content: { "application/json": { schema: NewApiKey } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

/** Without Idempotency-Key: a saved answer would hold the secret. */
export function createApiKey(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const request = c.req.valid("json");
    const { principal } = c.var;
    const scopes = [...new Set(request.scopes)];
    refuseBroader(principal, scopes);
    const expiresAt = readExpiry(request.expires_at, clock());
    const key = await newApiKey();
    const row = await db.transaction(async (tx) => {
      const made = await insertApiKey(tx, {
        accountId: principal.accountId,
        name: request.name,
        scopes,
        expiresAt,
        ipAllowList: request.ip_allow_list,
        requestsPerMinute: request.requests_per_minute,
        createdBy: actorName(principal),
        madeFor: makerOf(principal),
        key,
      });
      const detail = { name: made.name, scopes, expires_at: expiresAt?.toISOString() ?? null };
      await audit(c, tx, { action: "api_key.create", target: made.id, detail });
      return made;
    });
    note(c, { made_key_id: row.id });
    const headers = { ...SECRET_HEADERS, Location: `/v1/api-keys/${row.id}` };
    return c.json({ ...keyBody(row, clock()), key: key.key }, 201, headers);
  });
}
