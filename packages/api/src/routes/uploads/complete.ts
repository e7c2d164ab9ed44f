import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findUpload } from "@earshot/shared/db/uploads";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { note } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { closeUpload } from "./close-upload.ts";
import { joinParts, UploadedParts } from "./join-parts.ts";

const CompletedUpload = doc(() =>
  z.object({ id: z.string(), status: z.literal("complete"), size: z.int() }).meta({ id: "CompletedUpload" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/uploads/{id}/complete",
  summary: doc(
    "Say that the file was PUT, or name the parts that were; for one without parts a job does this itself",
  ),
  middleware: authorize("uploads:write"),
  request: {
    params: IdParams,
    body: { required: false, content: { "application/json": { schema: UploadedParts } } },
  },
  responses: doc(() => ({
    200: {
      description: "The file is there.",
      content: { "application/json": { schema: CompletedUpload } },
    },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "unsupported_content_type",
      "unsupported_media",
    ),
  })),
});

export function completeUpload(app: App, deps: Pick<Deps, "db" | "blobs" | "uploadSigner">): void {
  app.openapi(route, async (c) => {
    const id = requireId("upload", c.req.valid("param").id);
    const upload = await findUpload(deps.db, c.var.principal.accountId, id);
    if (upload === null) throw new AppError("not_found");
    note(c, { upload_id: id });
    await joinParts(deps, upload, c.req.valid("json"));
    await closeUpload(deps, upload, "/path/id");
    return c.json({ id, status: "complete" as const, size: upload.sizeBytes }, 200);
  });
}
