import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { JobBell } from "@earshot/shared/queue/job-queue";
import { inBackground } from "../../background.ts";
import type { AppContext } from "../../env.ts";

/**
 * Tells the workers of a job that is committed. The answer does not wait for it, and a failure costs only time: an idle worker
 * finds the job in the table.
 */
export function ringBell(c: AppContext, { bell, log }: { bell: JobBell; log: Log }, jobId: string): void {
  const message = { v: 1 as const, jobId, traceparent: c.var.traceparent };
  const ringing = bell.ring(message, c.var.principal.accountId).catch((error: unknown) => {
    log.warn("bell_failed", { request_id: c.var.requestId, job_id: jobId, ...describeError(error) });
  });
  inBackground(c, ringing);
}
