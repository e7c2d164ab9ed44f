import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIp, isInRange, networkOf, parseIp, parseIpRange } from "./ip-address.ts";

test("what node takes for an address is one, and nothing else is", () => {
  const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string({ maxLength: 20 }));
  fc.assert(
    fc.property(texts, (text) => {
      expect(parseIp(text) !== null).toBe(isIP(text) !== 0 && !text.includes("%"));
    }),
  );
});

test.each([
  "1.2.3",
  "01.2.3.4",
  "1.2.3.256",
  "1.2.3.4.5",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7:8::",
  "fe80::1%lo",
  "",
])("%j is no address", (text) => expect(parseIp(text)).toBeNull());

test("each spelling of an address is written in one way", () => {
  const spellings: Record<string, string[]> = {
    "1.2.3.4": ["1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:1.2.3.4"],
    "2001:db8::1": ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8:0::0.0.0.1"],
    "2001:db8:0:1::": ["2001:db8:0:1::", "2001:db8:0:1:0:0:0:0"],
    "::": ["::", "0:0:0:0:0:0:0:0"],
    "::1": ["::1"],
    "1:0:0:2::3": ["1:0:0:2:0:0:0:3"],
    "1::2:0:0:3:4": ["1:0:0:2:0:0:3:4"],
    "10:2:3:4:5:6:7:80": ["10:2:3:4:5:6:7:80"],
  };
  for (const [written, texts] of Object.entries(spellings)) {
    for (const text of texts) expect(formatIp(parseIp(text) ?? -1n), text).toBe(written);
  }
});

test("what is written reads the same", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (ip) => {
      expect(parseIp(formatIp(ip))).toBe(ip);
    }),
  );
});

describe("a range", () => {
  const isIn = (ip: string, range: string) => {
    const parsed = parseIpRange(range);
    return parsed !== null && isInRange(parseIp(ip) ?? -1n, parsed);
  };

  test("holds its own addresses, in either spelling, and no others", () => {
    expect(isIn("10.1.2.3", "10.0.0.0/8")).toBe(true);
    expect(isIn("::ffff:10.1.2.3", "10.0.0.0/8")).toBe(true);
    expect(isIn("11.0.0.0", "10.0.0.0/8")).toBe(false);
    expect(isIn("10.0.0.1", "10.0.0.1")).toBe(true);
    expect(isIn("10.0.0.2", "10.0.0.1/32")).toBe(false);
    expect(isIn("2001:db8:1::1", "2001:db8::/32")).toBe(true);
    expect(isIn("2001:db9::", "2001:db8::/32")).toBe(false);
    expect(isIn("1.2.3.4", "::/0")).toBe(true);
    expect(isIn("::1", "0.0.0.0/0")).toBe(false);
  });

  test.each(["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0/8/8", "x/8", "", "::/129"])(
    "%j is none",
    (text) => expect(parseIpRange(text)).toBeNull(),
  );

  test("a network is known by its first address", () => {
    expect(formatIp(networkOf(parseIp("2001:db8:1:2:3:4:5:6") ?? 0n, 64))).toBe("2001:db8:1:2::");
  });
});
