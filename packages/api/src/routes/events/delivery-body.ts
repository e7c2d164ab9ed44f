import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Attempt, DeliveryWithAttempts } from "@earshot/shared/db/webhooks/list-deliveries";

const time = doc(() => z.iso.datetime());

export const AttemptBody = doc(() =>
  z
    .object({
      attempt: z.int(),
      started_at: time,
      latency_ms: z.int(),
      status_code: z.int().nullable(),
      error: z
        .string()
        .nullable()
        .describe(
          "The class of the fault where no answer came: dns, connect, tls, timeout, reset, forbidden …",
        ),
      response_head: z.string().nullable().describe("How the body of the answer began."),
    })
    .meta({ id: "DeliveryAttempt" }),
);

export const DeliveryBody = doc(() =>
  z
    .object({
      id: z.string(),
      endpoint_id: z.string().nullable().describe("Null: the job's own webhook."),
      url: z.string(),
      status: z.enum(["pending", "succeeded", "failed"]),
      next_attempt_at: time.nullable(),
      created_at: time,
      finished_at: time.nullable(),
      attempts: z.array(AttemptBody),
    })
    .meta({ id: "Delivery" }),
);

export function deliveryBody(delivery: DeliveryWithAttempts): z.output<typeof DeliveryBody> {
  const isPending = delivery.status === "pending";
  return {
    id: delivery.id,
    endpoint_id: delivery.endpointId,
    url: delivery.url,
    status: delivery.status,
    next_attempt_at: isPending ? delivery.nextAttemptAt.toISOString() : null,
    created_at: delivery.createdAt.toISOString(),
    finished_at: delivery.finishedAt?.toISOString() ?? null,
    attempts: delivery.attempts.map(attemptBody),
  };
}

export function attemptBody(attempt: Attempt): z.output<typeof AttemptBody> {
  return {
    attempt: attempt.attempt,
    started_at: attempt.startedAt.toISOString(),
    latency_ms: attempt.latencyMs,
    status_code: attempt.statusCode,
    error: attempt.error,
    response_head: attempt.responseHead,
  };
}
