import type { Job } from "@earshot/shared/db/jobs/job";
import { AppError } from "@earshot/shared/domain/errors";

/** A job that can be shown. @throws AppError `not_found` for nobody's and another account's, `gone` for a deleted one. */
export function requireJob(job: Job | null | undefined): Job {
  if (job === null || job === undefined) throw new AppError("not_found");
  if (job.deletedAt !== null) throw new AppError("gone");
  return job;
}
