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
  localhost\u3002 \uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54 loc\u00adalhost l\u043ecalhost
  metadata\u3002google\uff0einternal g\u043e\u043egle.internal ip6-localhost ip6-loopback
  \u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3 metadata.google.internal metadata
  printer.local router.home.arpa redis
`;

/** What stands in a URL in the place of a host. Each is refused before anything is resolved. */
export const HOSTILE_HOSTS: readonly string[] = [
  SPELLINGS,
  SPECIAL_V4,
  SPECIAL_V6,
  NO_HOSTS,
  LOCAL_NAMES,
].flatMap(words);

/** Names that look like anybody's, with what their owner makes DNS answer. The first address that comes may be a good one. */
export const HOSTILE_NAMES: Readonly<Record<string, readonly string[]>> = {
  "loopback.example.com": ["127.0.0.1"],
  "127.0.0.1.nip.example": ["127.0.0.1"],
  "loopback-other.example.com": ["127.255.255.254"],
  "loopback6.example.com": ["::1"],
  "any.example.com": ["0.0.0.0"],
  "any6.example.com": ["::"],
  "ten.example.com": ["10.0.0.1"],
  "carrier.example.com": ["100.64.0.1"],
  "sixteen.example.com": ["172.16.0.1"],
  "home.example.com": ["192.168.1.1"],
  "metadata.example.com": ["169.254.169.254"],
  "metadata6.example.com": ["fd00:ec2::254"],
  "azure.example.com": ["168.63.129.16"],
  "documentation.example.com": ["192.0.2.1"],
  "benchmark.example.com": ["198.18.0.1"],
  "multicast.example.com": ["224.0.0.1"],
  "broadcast.example.com": ["255.255.255.255"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "compatible.example.com": ["::7f00:1"],
  "nat64.example.com": ["64:ff9b::7f00:1"],
  "nat64-local.example.com": ["64:ff9b:1::a00:1"],
  "6to4.example.com": ["2002:7f00:1::1"],
  "teredo.example.com": ["2001:0:7f00:1::1"],
  "documentation6.example.com": ["2001:db8::1"],
  "unique-local.example.com": ["fc00::1"],
  "link-local.example.com": ["fe80::1"],
  "multicast6.example.com": ["ff02::1"],
  "mixed.example.com": ["8.8.8.8", "127.0.0.1"],
  "mixed-last.example.com": ["127.0.0.1", "8.8.8.8"],
  "mixed-many.example.com": ["8.8.8.8", "1.1.1.1", "9.9.9.9", "10.0.0.1"],
  "mixed6.example.com": ["8.8.8.8", "::1"],
  "mixed-families.example.com": ["10.0.0.1", "2606:4700:4700::1111"],
  "mixed-zero.example.com": ["127.0.0.1", "0.0.0.0"],
  "kubernetes.default": ["10.96.0.1"],
  // apple and paypal in Cyrillic letters.
  "xn--80ak6aa92e.example": ["127.0.0.1"],
  "xn--80aa0a6bw.example.com": ["10.0.0.1"],
};

/** Other schemes and ports, credentials, and what parsers read in two ways. */
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

/** Every one is refused without a question to DNS. */
export const HOSTILE_URLS: readonly string[] = [
  ...HOSTILE_HOSTS.flatMap((host) => [`https://${host}/`, `https://${host}:8443/a?b`]),
  ...URLS,
];

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
