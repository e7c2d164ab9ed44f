import { newId } from "../crypto/ids.ts";
import type { JobEventFacts, JobEventType } from "../domain/events.ts";
import { isOptIn, jobEventPayload } from "../domain/events.ts";
import type { Database } from "./database.ts";
import { deliveries, events } from "./schema.ts";

export interface JobWithWebhook {
  id: string;
  accountId: string;
  webhookUrl: string | null;
  webhookEvents: string[] | null;
}

/** Writes the event and, where the job has a webhook for it, its delivery. Call it inside the transaction that changes the job. */
export async function insertJobEvent(
  tx: Database,
  job: JobWithWebhook,
  type: JobEventType,
  facts: Omit<JobEventFacts, "jobId">,
): Promise<void> {
  const event = { id: newId("event"), accountId: job.accountId, type, jobId: job.id };
  await tx.insert(events).values({ ...event, payload: jobEventPayload(type, { ...facts, jobId: job.id }) });
  if (job.webhookUrl === null || !wants(job, type)) return;
  await tx.insert(deliveries).values({
    id: newId("delivery"),
    eventId: event.id,
    accountId: job.accountId,
    jobId: job.id,
    url: job.webhookUrl,
  });
}

export function wants(job: JobWithWebhook, type: JobEventType): boolean {
  return !isOptIn(type) || (job.webhookEvents ?? []).includes(type);
}
