import { AppError } from "../domain/errors.ts";
import { allowsLoopback } from "../domain/loopback.ts";
import type { LoopbackAllowance } from "../domain/loopback.ts";
import { ipVersion, isGlobalAddress, isLoopbackAddress } from "./address.ts";

/** What `allowLoopback` opens may be reached by plain http and on any port. For tests and one-machine set-ups; off by default. */
export interface EgressPolicy {
  allowLoopback: LoopbackAllowance;
}

/** An address that somebody else chose, in a form that may be resolved. */
export interface Target {
  /** Normalised: no trailing dot, no userinfo. */
  url: URL;
  /** The name or the address: no brackets, no trailing dot. */
  host: string;
  port: number;
  /** What every address behind `host` must be. */
  reach: "global" | "loopback" | "global or loopback";
}

export type Refusal = "malformed" | "scheme" | "userinfo" | "port" | "host" | "address";

const DEFAULT_PORTS: Record<string, number> = { "https:": 443, "http:": 80 };
const ALLOWED_PORTS = [443, 8443];

/** Names that never belong to the public DNS: RFC 6761, RFC 6762, RFC 8375, and .internal as ICANN reserved it. */
const LOCAL_SUFFIXES = ["localhost", "localdomain", "local", "internal", "home.arpa"];

/**
 * What may be asked for at all, before anything is resolved. Decimal, octal, hex, short and full-width IPv4 are
 * already one form here: the URL parser (WHATWG) makes it.
 * @throws AppError input_forbidden, whose detail says the reason and at most the host.
 */
export function parseTarget(url: string, policy: EgressPolicy): Target {
  const parsed = URL.parse(url);
  const defaultPort = DEFAULT_PORTS[parsed?.protocol ?? ""];
  if (parsed === null) throw forbidden("malformed");
  if (defaultPort === undefined) throw forbidden("scheme");
  if (parsed.username !== "" || parsed.password !== "") throw forbidden("userinfo");
  parsed.hostname = parsed.hostname.replace(/\.$/, "");
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = parsed.port === "" ? defaultPort : Number(parsed.port);
  if (!isReachableName(host)) throw forbidden("host", host);

  const target: Target = { url: parsed, host, port, reach: reachOf(parsed.protocol, host, port, policy) };
  if (ipVersion(host) !== 0 && !mayConnect(target, host)) throw forbidden("address", host);
  return target;
}

/** Whether `ip`, an address that `target.host` resolved to, may be connected to. */
export function mayConnect(target: Target, ip: string): boolean {
  if (target.reach !== "loopback" && isGlobalAddress(ip)) return true;
  return target.reach !== "global" && isLoopbackAddress(ip);
}

export function forbidden(reason: Refusal, host?: string): AppError<"input_forbidden"> {
  return new AppError("input_forbidden", { detail: host === undefined ? { reason } : { reason, host } });
}

function reachOf(protocol: string, host: string, port: number, policy: EgressPolicy): Target["reach"] {
  const unusual = onlyOnLoopback(protocol, host, port);
  const isOpen = allowsLoopback(policy.allowLoopback, port);
  if (unusual !== null && !isOpen) throw forbidden(unusual, host);
  if (unusual !== null) return "loopback";
  return isOpen ? "global or loopback" : "global";
}

/** What about a target is in order on loopback alone, if anything. */
function onlyOnLoopback(protocol: string, host: string, port: number): Refusal | null {
  if (protocol !== "https:") return "scheme";
  if (host === "localhost") return "host";
  return ALLOWED_PORTS.includes(port) ? null : "port";
}

/** A literal address, `localhost`, or a name of two labels and more: a single label is the business of a local search list. */
function isReachableName(host: string): boolean {
  if (ipVersion(host) !== 0 || host === "localhost") return true;
  const labels = host.split(".");
  if (labels.length < 2 || labels.includes("")) return false;
  return !LOCAL_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`));
}
