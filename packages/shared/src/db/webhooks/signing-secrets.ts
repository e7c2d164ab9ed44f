import type { SealKeys } from "../../crypto/seal.ts";
import { unseal } from "../../crypto/seal.ts";
import type { ClaimedDelivery } from "../deliveries.ts";

type Signed = Pick<ClaimedDelivery, "accountId" | "jobId" | "endpointId" | "sealed">;

/** What signs a delivery. None: its endpoint is deleted. @throws Error for what can't be unsealed. */
export async function signingSecrets(sealKeys: SealKeys, delivery: Signed): Promise<string[]> {
  const { endpointId, jobId, accountId, sealed } = delivery;
  const opened = (owner: string, ...secrets: (string | null)[]) =>
    Promise.all(secrets.filter((secret) => secret !== null).map((secret) => unseal(sealKeys, secret, owner)));
  if (endpointId !== null) return opened(endpointId, sealed.endpoint, sealed.endpointBefore);
  if (jobId !== null && sealed.job !== null) return opened(jobId, sealed.job);
  return opened(accountId, sealed.account, sealed.accountBefore);
}
