import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { idPattern } from "@earshot/shared/crypto/ids";
import type { Database } from "@earshot/shared/db/database";
import type { Endpoint } from "@earshot/shared/db/webhooks/endpoints";
import { holdEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { redeliverEvent as redeliver } from "@earshot/shared/db/webhooks/redeliver";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { RefusedRequest } from "../../problem.ts";
import { problems } from "../answers.ts";
import { IdParams } from "../ids.ts";
import { requireEnabled } from "../webhook-endpoints/require-endpoint.ts";
import { requireEvent } from "./require-event.ts";

const RedeliverRequest = z
  .strictObject({
    endpoint_id: z
      .string()
      .regex(idPattern("endpoint"), "Not an endpoint's id")
      .optional()
      .describe(doc("To this endpoint alone. Without it: to all that the event was sent to.")),
  })
  .meta({ id: doc("Redelivery") });

const Redelivered = doc(() => z.object({ delivery_ids: z.array(z.string()) }).meta({ id: "Redelivered" }));

const route = createRoute({
  method: "post",
  path: "/v1/events/{id}/redeliver",
  summary: doc("Send an event once more, under the same `webhook-id`"),
  middleware: authorize("webhooks:write"),
  request: {
    params: IdParams,
    body: { required: false, content: { "application/json": { schema: RedeliverRequest } } },
  },
  responses: doc(() => ({
    202: {
      description: "On its way. A delivery that waited for its next attempt is due at once.",
      content: { "application/json": { schema: Redelivered } },
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

export function redeliverEvent(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { endpoint_id: endpointId } = RedeliverRequest.parse(c.req.valid("json"));
    const { accountId } = c.var.principal;
    const event = await requireEvent(db, accountId, c.req.valid("param").id);
    const ids = await db.transaction(async (tx) => {
      const endpoint = endpointId === undefined ? null : await holdNamed(tx, accountId, endpointId);
      return redeliver(tx, event, endpoint);
    });
    if (ids.length === 0) {
      throw new AppError("conflict", { message: "Nobody that this event was sent to takes it any more." });
    }
    note(c, { event_id: event.id, redelivered: ids.length });
    return c.json({ delivery_ids: ids }, 202);
  });
}

async function holdNamed(tx: Database, accountId: string, endpointId: string): Promise<Endpoint> {
  const endpoint = await holdEndpoint(tx, accountId, endpointId);
  if (endpoint !== null) return requireEnabled(endpoint);
  const fault = { pointer: "/endpoint_id", code: "not_found", detail: "There is no such endpoint." };
  throw new RefusedRequest("not_found", [fault]);
}
