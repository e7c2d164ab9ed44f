import { Resolver } from "node:dns/promises";
import { resolveBySystem } from "./checked-addresses.ts";
import type { Resolve } from "./checked-addresses.ts";

const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** Answers after which the name may still be one that this machine alone knows, by its hosts file. */
const UNKNOWN = ["ENOTFOUND", "ENODATA", "EBADNAME"];

/**
 * Every address of a name, asked of DNS over sockets of our own. The system's resolver blocks one of a few threads for each
 * question: four names whose servers are silent would hold up everybody else's.
 * @param servers in place of the system's, for tests.
 */
export function resolveByDns(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  return async function resolveByDns(host) {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const faults = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    const other = faults.find((fault) => !UNKNOWN.includes(codeOf(fault)));
    if (other !== undefined) throw other;
    return resolveBySystem(host);
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
