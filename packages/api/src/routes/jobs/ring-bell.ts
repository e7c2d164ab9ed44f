import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { JobBell } from "@earshot/shared/queue/job-queue";
import { inBackground } from "../../background.ts";
import type { AppContext } from "../../env.ts";

/** The answer waits this long for the queue, and no longer. */
const PATIENCE_MS = 2_000;

/** Tells the workers of a job that is committed. A failure costs only time: an idle worker finds the job in the table. */
export async function ringBell(
  c: AppContext,
  { bell, log }: { bell: JobBell; log: Log },
  jobId: string,
): Promise<void> {
  const message = { v: 1 as const, jobId, traceparent: c.var.traceparent };
  const ringing = bell.ring(message, c.var.principal.accountId).catch((error: unknown) => {
    log.warn("bell_failed", { request_id: c.var.requestId, job_id: jobId, ...describeError(error) });
  });
  inBackground(c, ringing);
  await atMost(PATIENCE_MS, ringing);
}

async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const { promise: impatience, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, impatience]);
  clearTimeout(timer);
}
