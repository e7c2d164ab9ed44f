import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { StoredEvent } from "@earshot/shared/db/webhooks/list-events";
import { EVENT_TYPES } from "@earshot/shared/domain/events";

export const EventBody = doc(() =>
  z
    .object({
      id: z.string().describe("The `webhook-id` of every delivery of this event."),
      type: z.enum(EVENT_TYPES),
      timestamp: z.iso.datetime().describe("When it happened."),
      created_at: z.iso.datetime(),
      sequence: z
        .int()
        .nullable()
        .describe(
          "The order of the account's events; given within seconds, null until then. The order of one job's events is `data.sequence`.",
        ),
      job_id: z.string().nullable(),
      data: z.record(z.string(), z.unknown()),
      links: z.object({ self: z.string(), deliveries: z.string() }),
    })
    .meta({ id: "Event" }),
);

export function eventBody(event: StoredEvent): z.output<typeof EventBody> {
  const { timestamp, data } = JSON.parse(event.payload) as {
    timestamp: string;
    data: Record<string, unknown>;
  };
  const self = `/v1/events/${event.id}`;
  return {
    id: event.id,
    type: event.type,
    timestamp,
    created_at: event.createdAt.toISOString(),
    sequence: event.sequence,
    job_id: event.jobId,
    data,
    links: { self, deliveries: `${self}/deliveries` },
  };
}
