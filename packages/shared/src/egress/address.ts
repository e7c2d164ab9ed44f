import { isInRange, parseIp, parseIpRange } from "../domain/ip-address.ts";
import type { IpAddress, IpRange } from "../domain/ip-address.ts";

/**
 * What the IANA registry of special IPv4 addresses lists (RFC 6890), with multicast. Stricter than the registry in
 * three places: 192.0.0.0/24 has no exceptions, the AS112 and AMT anycast blocks are refused because a network
 * may run its own, and so is the one public-looking address at which a cloud (Azure) serves its machines.
 */
const SPECIAL_V4 = [
  "0.0.0.0/8", // this network; Linux connects 0.0.0.0 to itself
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's wire server
  "169.254.0.0/16", // link-local, cloud metadata
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.31.196.0/24", // AS112
  "192.52.193.0/24", // AMT
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "192.175.48.0/24", // AS112
  "198.18.0.0/15", // benchmarking
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

/** The only part of IPv6 that is handed out for global unicast (RFC 4291). What embeds an IPv4 address outside it needs no entry below. */
const UNICAST_V6 = "2000::/3";

const SPECIAL_V6 = [
  "2001::/23", // protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID and ORCHIDv2
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4, which embeds any IPv4 address
  "2620:4f:8000::/48", // AS112
  "3fff::/20", // documentation
];

const LOOPBACK_V4 = "127.0.0.0/8";
const LOOPBACK_V6 = "::1/128";

/** Whether `ip` is an address of the public internet. False for everything special, and for what is no address at all. */
export function isGlobalAddress(ip: string): boolean {
  const address = parseIp(ip);
  if (address === null) return false;
  if (ipVersion(ip) === 4) return !SPECIAL_V4.some((range) => isIn(address, range));
  return isIn(address, UNICAST_V6) && !SPECIAL_V6.some((range) => isIn(address, range));
}

/** 127.0.0.0/8 and ::1. Not the IPv6 forms that embed the former: nothing honest writes them. */
export function isLoopbackAddress(ip: string): boolean {
  const address = parseIp(ip);
  return address !== null && isIn(address, ipVersion(ip) === 4 ? LOOPBACK_V4 : LOOPBACK_V6);
}

/** 4, 6, or 0 for what is no address: node:net's `isIP` for every runtime, but that nothing with a zone id is one. */
export function ipVersion(text: string): 4 | 6 | 0 {
  if (parseIp(text) === null) return 0;
  return text.includes(":") ? 6 : 4;
}

const parsedRanges = new Map<string, IpRange>();

/** Ranges are parsed when the first address is held against them, not when the process starts. */
function isIn(address: IpAddress, range: string): boolean {
  const parsed = parsedRanges.get(range) ?? parseIpRange(range);
  if (parsed === null) throw new TypeError(`${range} is no range`);
  parsedRanges.set(range, parsed);
  return isInRange(address, parsed);
}
