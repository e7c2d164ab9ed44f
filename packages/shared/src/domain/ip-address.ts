/** An address as one number of 128 bits. IPv4 lies at ::ffff:0:0/96, as dual-stack sockets have it. */
export type IpAddress = bigint;

export interface IpRange {
  first: IpAddress;
  /** Of 128. */
  prefixBits: number;
}

const V4_PREFIX = 0xffffn << 32n;
const OCTET = /^(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Strict: four decimal octets without leading zeros, or RFC 4291 text without a zone. Anything else is null. */
export function parseIp(text: string): IpAddress | null {
  return text.includes(":") ? parseV6(text) : mapped(parseV4(text));
}

/** IPv4 dotted, IPv6 in lower case with the first longest run of zeros left out (RFC 5952). */
export function formatIp(ip: IpAddress): string {
  if (isV4(ip)) return [24n, 16n, 8n, 0n].map((shift) => (ip >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (ip >> BigInt(112 - 16 * index)) & 0xffffn);
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly bigint[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    const end = groups.findIndex((group, index) => index >= start && group !== 0n);
    const length = (end === -1 ? groups.length : end) - start;
    if (length > longest.length) longest = { start, length };
  }
  return longest;
}

function isV4(ip: IpAddress): boolean {
  return ip >> 32n === 0xffffn;
}

/** `address/bits` or one address. Null for what is neither, or has bits set below its prefix. */
export function parseIpRange(text: string): IpRange | null {
  const [address = "", bits, ...rest] = text.split("/");
  const first = parseIp(address);
  if (first === null || rest.length > 0) return null;
  const ownBits = address.includes(":") ? 128 : 32;
  if (bits !== undefined && (!OCTET.test(bits) || Number(bits) > ownBits)) return null;
  const prefixBits = 128 - ownBits + Number(bits ?? ownBits);
  return networkOf(first, prefixBits) === first ? { first, prefixBits } : null;
}

export function isInRange(ip: IpAddress, { first, prefixBits }: IpRange): boolean {
  return networkOf(ip, prefixBits) === first;
}

/** The first address of the network of this size that `ip` is in. */
export function networkOf(ip: IpAddress, prefixBits: number): IpAddress {
  const hostBits = BigInt(128 - prefixBits);
  return (ip >> hostBits) << hostBits;
}

function parseV4(text: string): bigint | null {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) < 256)) return null;
  return octets.reduce((number, octet) => (number << 8n) | BigInt(octet), 0n);
}

function mapped(v4: bigint | null): IpAddress | null {
  return v4 === null ? null : V4_PREFIX | v4;
}

function parseV6(text: string): IpAddress | null {
  const [head = "", tail, ...rest] = text.split("::");
  if (rest.length > 0) return null;
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (before === null || after === null) return null;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...before, ...Array.from({ length: missing }, () => 0n), ...after];
  return groups.reduce((number, group) => (number << 16n) | group, 0n);
}

/** 16 bits each; the last two may be written as an IPv4 address. */
function groupsOf(text: string): bigint[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const v4 = last.includes(".") ? parseV4(last) : null;
  const hex = v4 === null ? parts : parts.slice(0, -1);
  if (!hex.every((part) => GROUP.test(part))) return null;
  const groups = hex.map((part) => BigInt(`0x${part}`));
  return v4 === null ? groups : [...groups, v4 >> 16n, v4 & 0xffffn];
}
