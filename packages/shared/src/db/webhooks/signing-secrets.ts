import type { SealKeys } from "../../crypto/seal.ts";
import { unseal } from "../../crypto/seal.ts";
import type { ClaimedDelivery } from "../deliveries.ts";

type Signed = Pick<ClaimedDelivery, "accountId" | "jobId" | "endpointId" | "sealed">;

/** What signs a delivery. None: its endpoint is deleted. @throws Error for what can't be unsealed. */
export async function signingSecrets(sealKeys: SealKeys, delivery: Signed): Promise<string[]> {
  const { endpointId, jobId, accountId, sealed } = delivery;
  if (endpointId !== null) {
    const both = [sealed.endpoint, sealed.previous].filter((secret) => secret !== null);
    return Promise.all(both.map((secret) => unseal(sealKeys, secret, endpointId)));
  }
  if (jobId !== null && sealed.job !== null) return [await unseal(sealKeys, sealed.job, jobId)];
  return [await unseal(sealKeys, sealed.account, accountId)];
}
