import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { newId } from "@earshot/shared/crypto/ids";
import { insertUpload } from "@earshot/shared/db/uploads";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { note } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { signUpload, UPLOAD_TARGETS } from "./sign-upload.ts";

const UploadRequest = z
  .strictObject({
    filename: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\r\n\t]*$/, "A filename is one line"),
    content_type: z
      .string()
      .max(127)
      .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(; ?[\w-]+=[\w"-]+)*$/, "Not a media type"),
    size: z.int().min(1).max(LIMITS.inputBytes),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "A SHA-256 is 64 lower-case hex digits")
      .optional(),
  })
  .meta({ id: doc("UploadRequest") });

const Upload = doc(() =>
  z.object({ id: z.string(), ...UPLOAD_TARGETS, expires_at: z.iso.datetime() }).meta({ id: "Upload" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/uploads",
  summary: doc("Announce a file and get a signed URL to PUT it to, or one for each part of a large one"),
  middleware: authorize("uploads:write"),
  request: { body: { required: true, content: { "application/json": { schema: UploadRequest } } } },
  responses: doc(() => ({
    201: {
      description: "PUT the file to `put_url` with these headers, or its parts each to its own URL.",
      content: { "application/json": { schema: Upload } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

export function createUpload(app: App, { db, uploadSigner }: Pick<Deps, "db" | "uploadSigner">): void {
  app.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const upload = await insertUpload(db, {
      id: newId("upload"),
      accountId: c.var.principal.accountId,
      filename: body.filename,
      contentType: body.content_type,
      sizeBytes: body.size,
      sha256: body.sha256 ?? null,
      openSeconds: LIMITS.uploadOpenSeconds,
    });
    note(c, { upload_id: upload.id });
    const targets = await signUpload(uploadSigner, upload);
    return c.json({ id: upload.id, ...targets, expires_at: upload.putExpiresAt.toISOString() }, 201);
  });
}
