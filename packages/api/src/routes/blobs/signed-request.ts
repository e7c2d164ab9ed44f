import type { SignedRequest } from "@earshot/shared/blobs/signed-urls";
import type { AppContext } from "../../env.ts";

export const BLOBS_PATH = "/v1/blobs";

/** The parts of a request that its URL's signature covers. */
export function signedRequest(c: AppContext, now: Date): SignedRequest {
  const { pathname, searchParams } = new URL(c.req.url);
  return { blobKey: pathname.slice(BLOBS_PATH.length + 1), query: searchParams, now };
}
