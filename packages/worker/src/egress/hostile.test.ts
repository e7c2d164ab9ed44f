import net from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MockInstance } from "vitest";
import { guardedRequest } from "./guarded-request.ts";
import type { EgressPolicy } from "./target.ts";
import { serveHttp } from "./testing/loopback-server.ts";

/**
 * Loopback, 0.0.0.0 and cloud metadata in each spelling of IPv4: short, decimal, octal, hex, mixed, escaped,
 * full-width, circled, with other dots, with a soft hyphen.
 */
const SPELLINGS = `
  127.0.0.1 127.0.0.1. 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0X7F.0.0.1 0x7f.0x0.0x0.0x1
  0177.0.0.1 017700000001 0177.1 127.0.0.01 127.0.0.0x1 00000177.0.0.1 %31%32%37.0.0.1 127%2e0.0.1
  \uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021
  127\uff0e0\uff0e0\uff0e1 12\u00ad7.0.0.1 127.255.255.254 0 0.0.0.0 0x0 00.0.0.0 0.0.0.1 1
  2852039166 0xa9fea9fe 0251.0376.0251.0376
`;

/** Private, shared, link-local, documentation, benchmarking, multicast, reserved. */
const SPECIAL_V4 = `
  10.0.0.1 10.255.255.255 167772161 012.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 0xc0.168.1
  100.64.0.1 100.100.100.200 100.127.255.255 169.254.169.254 169.254.170.2 168.63.129.16
  192.0.0.192 192.0.2.1 198.51.100.1 203.0.113.1 192.88.99.1 198.18.0.1 198.19.255.255 224.0.0.1
  239.255.255.255 240.0.0.1 255.255.255.255 4294967295 037777777777
`;

/** The special ranges of IPv6, among them each way to put IPv4 inside. */
const SPECIAL_V6 = `
  [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::] [::ffff:127.0.0.1] [::ffff:7f00:1]
  [0:0:0:0:0:ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:8.8.8.8]
  [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe]
  [64:ff9b::8.8.8.8] [64:ff9b:1::10.0.0.1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001::1]
  [2001:0:7f00:1::1] [2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1] [3fff::1] [5f00::1]
  [100::1] [fc00::1] [fd00:ec2::254] [fe80::1] [febf::1] [fec0::1] [ff02::1] [ff0e::1] [4000::1]
`;

/** Zone ids, and what else is no host. */
const NO_HOSTS = `
  [fe80::1%25eth0] [fe80::1%eth0] [::1%25lo] [::1 127.0.0.1.5 256.0.0.1 127.0.0.1.. . .. a..b
`;

/** Names that are only ever local. */
const LOCAL_NAMES = `
  localhost LocalHost localhost. localhost.. a.localhost a.b.localhost. localhost.localdomain
  \u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3 metadata.google.internal metadata
  printer.local router.home.arpa redis
`;

const HOSTS = [SPELLINGS, SPECIAL_V4, SPECIAL_V6, NO_HOSTS, LOCAL_NAMES].flatMap(words);

/** Names that look like anybody's, with what their owner makes DNS answer. */
const NAMES = {
  "loopback.example.com": ["127.0.0.1"],
  "127.0.0.1.nip.example": ["127.0.0.1"],
  "loopback6.example.com": ["::1"],
  "any.example.com": ["0.0.0.0"],
  "any6.example.com": ["::"],
  "private.example.com": ["10.0.0.1"],
  "metadata.example.com": ["169.254.169.254"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "nat64.example.com": ["64:ff9b::7f00:1"],
  "6to4.example.com": ["2002:7f00:1::1"],
  "zone.example.com": ["fe80::1%eth0"],
  "mixed.example.com": ["8.8.8.8", "127.0.0.1"],
  "mixed-last.example.com": ["127.0.0.1", "8.8.8.8"],
  "mixed6.example.com": ["8.8.8.8", "::1"],
  "octal.example.com": ["0177.0.0.1"],
  "mixed-zero.example.com": ["127.0.0.1", "0.0.0.0"],
  "kubernetes.default": ["10.96.0.1"],
};

const ANSWERS: Record<string, string[]> = {
  ...NAMES,
  "fine.example.com": ["8.8.8.8", "2606:4700:4700::1111"],
};

const URLS = [
  "file:///etc/passwd",
  "file://127.0.0.1/etc/passwd",
  "ftp://8.8.8.8/",
  "gopher://127.0.0.1:6379/_FLUSHALL",
  "dict://127.0.0.1/",
  "data:audio/wav;base64,UklGRg==",
  "blob:https://8.8.8.8/1",
  "unix:/run/docker.sock",
  "http+unix://%2frun%2fdocker.sock/",
  "ws://8.8.8.8/",
  "jar:https://8.8.8.8/!/",
  "ldap://8.8.8.8/",
  "s3://bucket/key",
  "javascript:1",
  "about:blank",
  "//8.8.8.8/",
  "8.8.8.8",
  "",
  "https://",
  "http://8.8.8.8/",
  "http://8.8.8.8:443/",
  "https://8.8.8.8:80/",
  "https://8.8.8.8:22/",
  "https://8.8.8.8:6379/",
  "https://8.8.8.8:65536/",
  "https://user@8.8.8.8/",
  "https://user:pass@8.8.8.8/",
  "https://8.8.8.8@127.0.0.1/",
  "https://8.8.8.8%40127.0.0.1/",
  "https://127.0.0.1#@8.8.8.8/",
  "https://127.0.0.1\\@8.8.8.8/",
  "https:127.0.0.1",
  "https:\\\\127.0.0.1\\",
  "ht\ntps://127.0.0.1/",
  "\u0000https://127.0.0.1/",
  "https://127.0.0.1:443:8443/",
];

const HOSTILE = [
  ...HOSTS.flatMap((host) => [`https://${host}/`, `https://${host}:8443/a?b`]),
  ...Object.keys(NAMES).map((name) => `https://${name}/`),
  ...URLS,
];

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function ask(url: string, policy: EgressPolicy) {
  const resolve = async (name: string) => ANSWERS[name] ?? ["127.0.0.1"];
  return guardedRequest(url, { method: "GET", policy, signal: new AbortController().signal, resolve });
}

describe("where loopback is not allowed", () => {
  // Every client socket of this process, TLS too, goes through here. None gets any further.
  let connect: MockInstance;
  beforeEach(() => {
    connect = vi.spyOn(net.Socket.prototype, "connect").mockImplementation(() => {
      throw Object.assign(new Error("a socket was opened"), { code: "ECONNREFUSED" });
    });
  });
  afterEach(() => connect.mockRestore());

  test("a global address and a name with global answers open a socket, which is what the others are measured by", async () => {
    const fine = words("https://8.8.8.8/ https://8.8.8.8:8443/ https://134744072/ https://fine.example.com/");
    for (const url of fine) {
      await expect(ask(url, { allowLoopback: false }), url).rejects.toMatchObject({ name: "EgressError" });
    }
    expect(connect).toHaveBeenCalledTimes(4);
  });

  test("the table has the size that it should have", () => {
    expect(new Set(HOSTILE).size).toBe(HOSTILE.length);
    expect(HOSTILE.length).toBeGreaterThan(250);
  });

  test.each(HOSTILE)("%j opens no socket", async (url) => {
    await expect(ask(url, { allowLoopback: false })).rejects.toMatchObject({ code: "input_forbidden" });
    expect(connect).not.toHaveBeenCalled();
  });
});

describe("with a server that listens on the very port", () => {
  test("nothing reaches it while loopback is not allowed, by http or https", async () => {
    await using server = await serveHttp();
    for (const host of [...HOSTS, ...Object.keys(NAMES)]) {
      for (const scheme of ["http", "https"]) {
        const url = `${scheme}://${host}:${server.port}/`;
        await expect(ask(url, { allowLoopback: false }), url).rejects.toMatchObject({
          code: "input_forbidden",
        });
      }
    }
    expect(server.connections()).toBe(0);
  });

  test("and where it is allowed, only honest forms of loopback do", async () => {
    await using server = await serveHttp();
    const dishonest = words(`
      0.0.0.0 0 [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] a.localhost
      localhost.localdomain redis any.example.com mapped.example.com mixed-zero.example.com
    `);
    for (const host of dishonest) {
      const url = `http://${host}:${server.port}/`;
      await expect(ask(url, { allowLoopback: true }), url).rejects.toMatchObject({ code: "input_forbidden" });
    }
    expect(server.connections()).toBe(0);

    const honest = words("127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 localhost loopback.example.com");
    for (const host of honest) {
      const { body } = await ask(`http://${host}:${server.port}/`, { allowLoopback: true });
      body.destroy();
    }
    expect(server.connections()).toBe(honest.length);
  });
});
