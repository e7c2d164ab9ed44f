import type { Database } from "@earshot/shared/db/database";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";
import { writeModelVersions } from "@earshot/shared/db/jobs/model-versions";
import { isTaskName } from "@earshot/shared/domain/tasks";
import type { Log } from "@earshot/shared/log";
import type { Engine } from "./engine.ts";
import type { Inference } from "./inference/inference.ts";
import { withVersions } from "./inference/job-versions.ts";
import { Interruption } from "./interruption.ts";

/**
 * The lanes with the versions of the models that the job began with; its first attempt writes down which they are.
 * @throws Interruption `canceling` when nothing can be written: the job was canceled, or is somebody else's.
 */
export async function pinModels(
  { job, lease }: ClaimedJob,
  {
    db,
    inference,
    versionsFor,
    log,
  }: { db: Database; inference: Inference; log: Log } & Pick<Engine, "versionsFor">,
): Promise<Inference> {
  const { versions, gone } = await versionsFor(job.tasks.filter(isTaskName), job.modelVersions);
  if (gone.length > 0) log.warn("model_versions_gone", { job_id: job.id, gone, versions });
  const isNew = Object.entries(versions).some(([id, version]) => job.modelVersions?.[id] !== version);
  if (isNew && !(await writeModelVersions(db, lease, versions))) throw new Interruption("canceling");
  return withVersions(inference, versions);
}
