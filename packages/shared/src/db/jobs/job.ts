import type { SQL } from "drizzle-orm";
import { and, eq, getTableColumns } from "drizzle-orm";
import type { JobStatus } from "../../domain/job-status.ts";
import { jobs } from "../schema.ts";

/** All of a job but its sealed webhook secret, which the worker's role cannot read. */
export function jobColumns() {
  const { webhookSecretSealed: _sealed, ...columns } = getTableColumns(jobs);
  return columns;
}

export type Job = Omit<typeof jobs.$inferSelect, "webhookSecretSealed">;

/** What a worker holds of a job. A write without it, or with an old one, changes nothing. */
export interface Lease {
  jobId: string;
  token: string;
  attempt: number;
}

/** The fence: every write of a worker carries it. */
export function heldBy(lease: Lease, status: JobStatus): SQL | undefined {
  return and(eq(jobs.id, lease.jobId), eq(jobs.leaseToken, lease.token), eq(jobs.status, status));
}
