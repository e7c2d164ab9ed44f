import * as z from "zod";

/**
 * What travels in SQS. Postgres holds everything else: a message only says "look at this job".
 * A message that this cannot parse is left to the dead letter queue.
 */
export const JobMessage = z.object({
  v: z.literal(1),
  jobId: z.string().min(1).max(64),
  traceparent: z.string().max(128).nullable().default(null),
});

export type JobMessage = z.output<typeof JobMessage>;

export function parseJobMessage(body: string | undefined): JobMessage | null {
  try {
    return JobMessage.parse(JSON.parse(body ?? ""));
  } catch {
    return null;
  }
}
