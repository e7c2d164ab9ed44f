import type { Endpoint } from "@earshot/shared/db/webhooks/endpoints";
import { AppError } from "@earshot/shared/domain/errors";

/** @throws AppError `not_found` for nobody's, a deleted one and another account's. */
export function requireEndpoint(endpoint: Endpoint | null): Endpoint {
  if (endpoint === null) throw new AppError("not_found");
  return endpoint;
}

/** One that takes deliveries. @throws AppError `not_found`, or `conflict` while it is disabled. */
export function requireEnabled(endpoint: Endpoint | null): Endpoint {
  const found = requireEndpoint(endpoint);
  if (!found.enabled)
    throw new AppError("conflict", { message: "The endpoint is disabled: enable it first." });
  return found;
}
