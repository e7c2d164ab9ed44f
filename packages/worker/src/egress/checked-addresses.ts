import dns from "node:dns/promises";
import { isIP } from "node:net";
import { EgressError } from "./egress-error.ts";
import { forbidden, mayConnect } from "@earshot/shared/egress/target";
import type { Target } from "@earshot/shared/egress/target";

/** Every address of a name, as text. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** The system's resolver: DNS, the hosts file, whatever this machine is set up with. */
export async function resolveBySystem(host: string): Promise<string[]> {
  const answers = await dns.lookup(host, { all: true });
  return answers.map(({ address }) => address);
}

/**
 * The addresses of a target, all of them checked. One that may not be reached refuses them all: the name is
 * not to be trusted then. The refusal doesn't tell which address it was, as that is a fact about this network.
 * @throws AppError input_forbidden; EgressError dns when there is no answer.
 */
export async function checkedAddresses(
  target: Target,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (isIP(target.host) !== 0) return [target.host];
  const addresses = await unlessAborted(signal, resolve(target.host)).catch((cause: unknown) => {
    throw new EgressError("dns", { cause });
  });
  if (addresses.length === 0) throw new EgressError("dns");
  if (!addresses.every((address) => mayConnect(target, address))) throw forbidden("address", target.host);
  return addresses;
}

/** node's resolver can't be cancelled; this stops waiting for it. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  return promise;
}
