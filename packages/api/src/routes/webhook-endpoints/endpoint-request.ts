import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { EVENT_TYPES } from "@earshot/shared/domain/events";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../problem.ts";
import { Metadata, WebhookSecret, WebUrl } from "../fields.ts";
import { whyForbidden } from "../jobs/web-url.ts";

const SETTINGS = {
  url: WebUrl,
  description: z.string().max(512),
  events: z
    .array(z.enum(EVENT_TYPES))
    .min(1)
    .max(EVENT_TYPES.length)
    .nullable()
    .describe(doc("The types to be sent. Null: all but `job.started` and `job.progress`.")),
  payload: z
    .enum(["thin", "full"])
    .describe(
      doc(
        () =>
          `\`full\` adds the results' summaries to a job's end, where that stays within ${LIMITS.webhookBodyBytes} bytes.`,
      ),
    ),
  metadata: Metadata,
  enabled: z.boolean(),
};

export const EndpointRequest = z
  .strictObject({
    url: SETTINGS.url,
    description: SETTINGS.description.default(""),
    events: SETTINGS.events.default(null),
    payload: SETTINGS.payload.default("thin"),
    metadata: SETTINGS.metadata.default({}),
    enabled: SETTINGS.enabled.default(true),
    secret: WebhookSecret.optional().describe(doc("To bring one's own, in place of a new one.")),
  })
  .meta({ id: doc("WebhookEndpointRequest") });

export const EndpointChange = z
  .strictObject({
    url: SETTINGS.url.optional(),
    description: SETTINGS.description.optional(),
    events: SETTINGS.events.optional(),
    payload: SETTINGS.payload.optional(),
    metadata: SETTINGS.metadata.optional(),
    enabled: SETTINGS.enabled
      .optional()
      .describe(
        doc("What waits for an endpoint that is disabled ends as failed; it can be recovered later."),
      ),
  })
  .meta({ id: doc("WebhookEndpointChange") });

/** @throws RefusedRequest when the guard on outgoing requests would refuse the URL whatever DNS says. */
export function refuseForbiddenUrl(url: string, { allowLoopback }: Pick<Deps, "allowLoopback">): void {
  const why = whyForbidden(url, allowLoopback);
  if (why !== null) throw invalid("/url", why);
}
