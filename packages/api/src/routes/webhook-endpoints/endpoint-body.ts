import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Endpoint } from "@earshot/shared/db/webhooks/endpoints";
import { EVENT_TYPES } from "@earshot/shared/domain/events";

/** Never with a secret: that is shown where it is made. */
export const EndpointBody = doc(() =>
  z
    .object({
      id: z.string(),
      url: z.string(),
      description: z.string(),
      events: z
        .array(z.enum(EVENT_TYPES))
        .nullable()
        .describe("The types it asks for. Null: all but `job.started` and `job.progress`."),
      payload: z.enum(["thin", "full"]),
      metadata: z.record(z.string(), z.string()),
      enabled: z.boolean(),
      disabled_reason: z
        .enum(["gone", "exhausted"])
        .nullable()
        .describe(
          "Why Earshot disabled it. `gone`: it answered 410. `exhausted`: an event used up its whole schedule, and nothing succeeded meanwhile.",
        ),
      disabled_at: z.iso.datetime().nullable(),
      previous_secret_until: z.iso
        .datetime()
        .nullable()
        .describe("Until then the secret before the last rotation signs too."),
      created_at: z.iso.datetime(),
      updated_at: z.iso.datetime(),
    })
    .meta({ id: "WebhookEndpoint" }),
);

export type EndpointBody = z.output<typeof EndpointBody>;

export const EndpointWithSecret = doc(() =>
  EndpointBody.extend({
    secret: z.string().describe("It is shown this once."),
  }).meta({ id: "WebhookEndpointWithSecret" }),
);

export function endpointBody(endpoint: Endpoint, now: Date): EndpointBody {
  const { previousSecretUntil } = endpoint;
  const isRotating = previousSecretUntil !== null && previousSecretUntil > now;
  return {
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    events: endpoint.events,
    payload: endpoint.payload,
    metadata: endpoint.metadata,
    enabled: endpoint.enabled,
    disabled_reason: endpoint.disabledReason,
    disabled_at: endpoint.disabledAt?.toISOString() ?? null,
    previous_secret_until: isRotating ? previousSecretUntil.toISOString() : null,
    created_at: endpoint.createdAt.toISOString(),
    updated_at: endpoint.updatedAt.toISOString(),
  };
}
