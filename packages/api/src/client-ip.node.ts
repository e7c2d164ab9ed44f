import type { IncomingMessage } from "node:http";
import { formatIp, isInRange, parseIp } from "@earshot/shared/domain/ip-address";
import type { IpAddress, IpRange } from "@earshot/shared/domain/ip-address";
import type { ClientIp } from "./deps.ts";

/**
 * The connection's own address; where that is a proxy that we trust, what it says of whom it took the request from, and
 * so on along `X-Forwarded-For`. What anybody else wrote there counts for nothing.
 */
export function clientIpBehind(trustedProxies: readonly IpRange[]): ClientIp {
  const isTrusted = (ip: IpAddress) => trustedProxies.some((range) => isInRange(ip, range));
  return function clientIp(c) {
    const peer = parseIp(peerAddressOf(c.env) ?? "");
    if (peer === null) return null;
    return formatIp(lastUntrusted(peer, c.req.header("X-Forwarded-For") ?? "", isTrusted));
  };
}

/** Each proxy adds at the right whom it saw. A hop that is no address ends the chain: its sender is as far as we know. */
function lastUntrusted(
  peer: IpAddress,
  forwardedFor: string,
  isTrusted: (ip: IpAddress) => boolean,
): IpAddress {
  let client = peer;
  for (const hop of forwardedFor.split(",").toReversed()) {
    const next = isTrusted(client) ? parseIp(withoutPort(hop.trim())) : null;
    if (next === null) return client;
    client = next;
  }
  return client;
}

/** Some proxies write `1.2.3.4:5678` and `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? hop.replace(/^([\d.]+):\d{1,5}$/, "$1");
}

/** What @hono/node-server hands to the app; nothing where a test calls the app itself. */
function peerAddressOf(env: unknown): string | undefined {
  return (env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress;
}
