import type { Handler } from "hono";
import { verifyBlobRead } from "@earshot/shared/blobs/signed-urls";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";
import { signedRequest } from "./signed-request.ts";

/** GET /v1/blobs/*: reads one blob by a signed URL. */
export function getBlob({ blobs, clock }: Pick<Deps, "blobs" | "clock">, key: Bytes): Handler<AppEnv> {
  return async function getBlob(c) {
    const request = signedRequest(c, clock());
    if (!(await verifyBlobRead(key, request))) {
      throw new AppError("forbidden", { message: "The URL has expired or was changed." });
    }
    const size = await blobs.size(request.blobKey);
    if (size === null) throw new AppError("not_found");
    return c.body(await blobs.read(request.blobKey), 200, {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(size),
      "Content-Disposition": "attachment",
      "X-Content-Type-Options": "nosniff",
    });
  };
}
