import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { deleteJob as remove } from "@earshot/shared/db/jobs/delete-job";
import { AppError } from "@earshot/shared/domain/errors";
import { describeError } from "@earshot/shared/log";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/jobs/{id}",
  summary: doc("Delete an ended job's audio, results and vectors for good"),
  middleware: authorize("jobs:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "Nothing is left but a tombstone, which answers 410." },
    ...problems("forbidden", "not_found", "conflict"),
  })),
});

export function deleteJob(app: App, deps: Pick<Deps, "db" | "blobs" | "log">): void {
  app.openapi(route, async (c) => {
    const id = requireId("job", c.req.valid("param").id);
    const deletion = await deps.db.transaction(async (tx) => {
      const deletion = await remove(tx, c.var.principal.accountId, id);
      if (deletion.outcome === "deleted") await audit(c, tx, { action: "job.delete", target: id });
      return deletion;
    });
    if (deletion.outcome === "not_found") throw new AppError("not_found");
    if (deletion.outcome === "live") {
      throw new AppError("conflict", {
        message: `The job is ${deletion.status}: cancel it, and delete it once it has ended.`,
      });
    }
    note(c, { job_id: id });
    await deleteBlobs(deps, deletion.blobKeys);
    return c.body(null, 204);
  });
}

/** Sooner than the sweep, which finds what fails here. */
async function deleteBlobs(
  { blobs, log }: Pick<Deps, "blobs" | "log">,
  keys: readonly string[],
): Promise<void> {
  const outcomes = await Promise.allSettled(keys.map((key) => blobs.delete(key)));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") log.warn("blob_not_deleted", describeError(outcome.reason));
  }
}
