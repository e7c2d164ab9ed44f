import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipVersion, isGlobalAddress, isLoopbackAddress } from "./address.ts";

/** Each range from its first to its last address, and what lies just outside where that is global. */
const SPECIAL: Record<string, readonly string[]> = {
  "this network": ["0.0.0.0", "0.0.0.1", "0.255.255.255"],
  "private 10/8": ["10.0.0.0", "10.0.0.1", "10.255.255.255"],
  "carrier-grade NAT": ["100.64.0.0", "100.100.100.200", "100.127.255.255"],
  "loopback v4": ["127.0.0.0", "127.0.0.1", "127.1.2.3", "127.255.255.255"],
  "Azure's wire server": ["168.63.129.16"],
  "link-local v4": ["169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255"],
  "private 172.16/12": ["172.16.0.0", "172.17.0.1", "172.31.255.255"],
  "protocol assignments": ["192.0.0.0", "192.0.0.9", "192.0.0.170", "192.0.0.192", "192.0.0.255"],
  "documentation v4": [
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
  ],
  "AS112 and AMT": ["192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"],
  "6to4 relays": ["192.88.99.0", "192.88.99.1", "192.88.99.255"],
  "private 192.168/16": ["192.168.0.0", "192.168.1.1", "192.168.255.255"],
  "benchmarking v4": ["198.18.0.0", "198.19.255.255"],
  "multicast v4": ["224.0.0.0", "224.0.0.251", "239.255.255.255"],
  "reserved v4": ["240.0.0.0", "254.1.2.3", "255.255.255.254"],
  broadcast: ["255.255.255.255"],
  "unspecified v6": ["::", "0:0:0:0:0:0:0:0"],
  "loopback v6": ["::1", "0:0:0:0:0:0:0:1", "0000::0001"],
  "v4-mapped": [
    "::ffff:0.0.0.0",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:255.255.255.255",
  ],
  "v4-compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::7f00:1"],
  "v4-translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
  NAT64: ["64:ff9b::", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b::ffff:ffff"],
  "local NAT64": ["64:ff9b:1::", "64:ff9b:1::a00:1", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  "discard only": ["100::", "100::1", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"],
  "below global unicast": ["1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  Teredo: ["2001::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"],
  "benchmarking v6": ["2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"],
  "AMT and AS112 v6": ["2001:3::1", "2001:4:112::1"],
  ORCHID: ["2001:10::", "2001:1f:ffff::1"],
  ORCHIDv2: ["2001:20::", "2001:2f:ffff::1"],
  "other protocol assignments v6": ["2001:30::1", "2001:1::1", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "documentation v6": [
    "2001:db8::",
    "2001:db8::1",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff::",
    "3fff:fff:ffff::1",
  ],
  "6to4": [
    "2002::",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:808:808::1",
    "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ],
  "above global unicast": ["4000::", "8000::1"],
  "segment routing": ["5f00::", "5f00::1", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "unique local": ["fc00::", "fd00::1", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "link-local v6": ["fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "site-local": ["fec0::", "fec0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "multicast v6": ["ff00::", "ff02::1", "ff0e::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
};

/** Just outside of each range above, and some of the best known. */
const GLOBAL = `
  1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
  128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
  191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255
  192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
  223.255.255.255 2000:: 2001:200:: 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9:: 2003::
  2606:4700:4700::1111 2620:4f:7fff::1 2620:4f:8001:: 2a00:1450:4001::1 3ffe:ffff::1 3fff:1000::
  3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
`
  .trim()
  .split(/\s+/);

const NO_ADDRESS = [
  "",
  " ",
  "8.8.8.8 ",
  ...`
    localhost example.com 1 1.1 1.1.1 2130706433 0x7f.0.0.1 0177.0.0.1 08.8.8.8 8.8.8.8.8 8.8.8.256
    8.8.8.8/32 [2606:4700::1] 2606:4700::1%lo fe80::1%eth0 :::
  `
    .trim()
    .split(/\s+/),
];

describe("isGlobalAddress", () => {
  const special = Object.entries(SPECIAL).flatMap(([range, ips]) => ips.map((ip) => ({ range, ip })));

  test.each(special)("$ip is not global: $range", ({ ip }) => {
    expect(isIP(ip), "the table holds addresses").not.toBe(0);
    expect(isGlobalAddress(ip)).toBe(false);
  });

  test.each(GLOBAL)("%s is global", (ip) => {
    expect(isGlobalAddress(ip)).toBe(true);
  });

  test.each(NO_ADDRESS)("%j is no address, so not global", (ip) => {
    expect(isGlobalAddress(ip)).toBe(false);
    expect(isLoopbackAddress(ip)).toBe(false);
  });

  test("an IPv6 address is judged the same in each of its spellings", () => {
    const spellings = [
      "2001:4860::8888",
      "2001:4860:0:0:0:0:0:8888",
      "2001:4860::0.0.136.136",
      "2001:4860:0::8888",
    ];
    for (const ip of spellings) expect(isGlobalAddress(ip), ip).toBe(true);
  });

  test("no text makes it throw, and nothing outside 2000::/3 is global", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.ipV4Extended(), fc.string()), (ip) => {
        const global = isGlobalAddress(ip);
        if (global && isIP(ip) === 6) expect(ip).toMatch(/^[23]/);
        expect(global && isLoopbackAddress(ip)).toBe(false);
      }),
    );
  });
});

test("what an address is, is what node says, but for zone ids", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4(), fc.ipV4Extended(), fc.string(), dotted), (text) => {
      expect(ipVersion(text), text).toBe(text.includes("%") ? 0 : isIP(text));
    }),
    { numRuns: 2_000 },
  );
});

/** What looks like IPv4 and mostly isn't. */
const dotted = fc
  .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "0x1", "1 ")), { maxLength: 6 })
  .map((parts) => parts.join("."));

describe("isLoopbackAddress", () => {
  test.each(["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"])("%s is", (ip) => {
    expect(isLoopbackAddress(ip)).toBe(true);
  });

  test.each([
    "0.0.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "10.0.0.1",
    "::",
    "::2",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
  ])("%s is not", (ip) => {
    expect(isLoopbackAddress(ip)).toBe(false);
  });
});
