import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EveryAddressReport } from "./testing/every-address.ts";

const MAIN = fileURLToPath(new URL("testing/every-address.main.ts", import.meta.url));

// Linux routes every address to the loopback interface of this namespace; the resolver asks the test's DNS server.
const SETUP = `
  ip link set lo up
  ip route add local 0.0.0.0/0 dev lo
  ip -6 route add local ::/0 dev lo
  mount --bind "$1/resolv.conf" /etc/resolv.conf
  mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
`;
const NAMESPACE = ["-rnm", "sh", "-ec"];

/** Of each kind that the guard must refuse, for the test of the test. */
const TRAPPED = words(`
  127.0.0.1 10.0.0.1 100.64.0.1 169.254.169.254 172.16.0.1 192.0.2.1 192.168.1.1 198.18.0.1 168.63.129.16
  ::1 fd00:ec2::254 64:ff9b::7f00:1 2002:7f00:1::1 2001:db8::1 3fff::1 fec0::1
`);

let directory: string;
let report: EveryAddressReport | null = null;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-network-"));
  await writeFile(join(directory, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n");
  await writeFile(join(directory, "nsswitch.conf"), "hosts: files dns\n");
  const isPossible = spawnSync("unshare", [...NAMESPACE, SETUP, "sh", directory]).status === 0;
  if (isPossible) report = await runInside();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function runInside(): Promise<EveryAddressReport> {
  const script = `${SETUP} exec "$2" "$3" ${TRAPPED.join(" ")}`;
  const { stdout } = await promisify(execFile)(
    "unshare",
    [...NAMESPACE, script, "sh", directory, process.execPath, MAIN],
    { maxBuffer: 16 * 1024 ** 2, timeout: 55_000 },
  );
  return JSON.parse(stdout) as EveryAddressReport;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

// Where the kernel gives no namespaces to this user the tests cannot tell anything: hostile.test.ts runs everywhere.
describe("in a network where every address listens", () => {
  test("each kind of address can be reached without the guard", ({ skip }) => {
    if (report === null) return skip();
    expect(report.listeners.map((address) => address.replace(/^::ffff:/, ""))).toEqual(TRAPPED);
  });

  test("what is good is reached where it was checked", ({ skip }) => {
    if (report === null) return skip();
    // The certificate is another one's: the connection was made, and ended there.
    expect(report.good.map(({ reached }) => reached)).toEqual([["8.8.8.8"], ["8.8.8.8"]]);
  });

  test("none of the hostile targets is connected to, asked of the system's own resolver", ({ skip }) => {
    if (report === null) return skip();
    expect(report.hostile.length).toBeGreaterThan(300);
    expect(report.hostile.filter(({ outcome }) => outcome !== "input_forbidden")).toEqual([]);
    expect(report.hostile.filter(({ reached }) => reached.length > 0)).toEqual([]);
  });

  test("a name whose DNS answer changes after the check is connected to at the checked one, and refused when asked anew", ({
    skip,
  }) => {
    if (report === null) return skip();
    const [first, second] = report.rebind;
    expect(first?.reached).toEqual(["8.8.8.8"]);
    expect(report.rebindQuestions).toBe(1);
    expect(second).toMatchObject({ outcome: "input_forbidden", reached: [] });
  });

  test("a redirect to any of them ends where it began", ({ skip }) => {
    if (report === null) return skip();
    expect(report.redirects.length).toBeGreaterThan(250);
    const elsewhere = report.redirects.filter(({ reached }) =>
      reached.some((address) => address !== "8.8.8.8"),
    );
    expect(elsewhere).toEqual([]);
    expect(report.redirects.filter(({ outcome }) => outcome === "answered")).toEqual([]);
  });
});
