import type { PutGrant, UrlKeys } from "@earshot/shared/blobs/signed-urls";
import { hexToBase64, verifyBlobPut } from "@earshot/shared/blobs/signed-urls";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { AppContext } from "../../env.ts";
import { invalid } from "../../problem.ts";

export const BLOBS_PATH = "/v1/blobs";

/** PUT /v1/blobs/*: what a presigned PUT is to a bucket. The signature is the permission; no key is asked for. */
export function putBlob(keys: UrlKeys): NonNullable<Deps["putBlob"]> {
  return ({ blobs, clock }) =>
    async function putBlob(c) {
      const { pathname, searchParams: query } = new URL(c.req.url);
      const request = { blobKey: pathname.slice(BLOBS_PATH.length + 1), query, now: clock() };
      const grant = await verifyBlobPut(keys, request);
      if (grant === null) throw new AppError("forbidden", { message: "The URL has expired or was changed." });
      requireHeader(c, "content-length", String(grant.sizeBytes));
      requireHeader(c, "content-type", grant.contentType);
      if (grant.sha256) requireHeader(c, "x-amz-checksum-sha256", hexToBase64(grant.sha256));
      await write(c, blobs, grant);
      return c.body(null, 200);
    };
}

function requireHeader(c: AppContext, name: string, expected: string): void {
  if (c.req.header(name) !== expected)
    throw invalid(`/headers/${name}`, `This must be "${expected}", as was announced.`);
}

async function write(c: AppContext, blobs: Deps["blobs"], grant: PutGrant): Promise<void> {
  try {
    await blobs.write(grant.key, c.req.raw.body ?? new Blob([]).stream(), grant);
  } catch (error) {
    throw isCallersFault(c, error)
      ? invalid("", "The body is not the file that was announced.", "input_mismatch")
      : error;
  }
}

/** Other bytes than announced, or none because the connection went away. */
function isCallersFault(c: AppContext, error: unknown): boolean {
  return c.req.raw.signal.aborted || (error instanceof AppError && error.code === "input_mismatch");
}
