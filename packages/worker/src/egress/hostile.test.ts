import net from "node:net";
import { startTestDns } from "@earshot/testkit/dns";
import type { TestDns } from "@earshot/testkit/dns";
import { HOSTILE_HOSTS, HOSTILE_NAMES, HOSTILE_URLS } from "@earshot/testkit/hostile-targets";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { MockInstance } from "vitest";
import type { Resolve } from "./checked-addresses.ts";
import { guardedRequest } from "./guarded-request.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";
import { serveHttp } from "./testing/loopback-server.ts";

const GOOD_NAMES = { localhost: ["127.0.0.1"], "fine.example.com": ["8.8.8.8", "2606:4700:4700::1111"] };

/** What no DNS server can say, but a hosts file or a resolver's plug-in may. */
const ODD_ANSWERS: readonly (readonly string[])[] = [
  ["fe80::1%eth0"],
  ["0177.0.0.1"],
  ["127.1"],
  ["8.8.8.8", "2130706433"],
  ["8.8.8.8", ""],
  ["localhost"],
];

let dns: TestDns;
beforeAll(async () => void (dns = await startTestDns({ ...HOSTILE_NAMES, ...GOOD_NAMES })));
afterAll(() => dns[Symbol.asyncDispose]());

function ask(url: string, policy: EgressPolicy, resolve: Resolve = dns.resolve) {
  return guardedRequest(url, { method: "GET", policy, signal: new AbortController().signal, resolve });
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
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
    expect(new Set(HOSTILE_URLS).size).toBe(HOSTILE_URLS.length);
    expect(HOSTILE_URLS.length + Object.keys(HOSTILE_NAMES).length).toBeGreaterThan(300);
  });

  test.each(HOSTILE_URLS)("%j opens no socket", async (url) => {
    const before = dns.questions.length;
    await expect(ask(url, { allowLoopback: false })).rejects.toMatchObject({ code: "input_forbidden" });
    expect(connect).not.toHaveBeenCalled();
    expect(dns.questions.length, "nobody was asked").toBe(before);
  });

  test.each(Object.keys(HOSTILE_NAMES))("%s opens no socket, whatever DNS says", async (name) => {
    await expect(ask(`https://${name}/`, { allowLoopback: false })).rejects.toMatchObject({
      code: "input_forbidden",
      detail: { reason: "address", host: name },
    });
    expect(dns.questions).toContain(`A ${name}`);
    expect(connect).not.toHaveBeenCalled();
  });

  test.each(ODD_ANSWERS.map((answers) => ({ answers })))(
    "a name that is $answers opens no socket",
    async ({ answers }) => {
      const asked = ask("https://odd.example.com/", { allowLoopback: false }, async () => answers);
      await expect(asked).rejects.toMatchObject({ code: "input_forbidden" });
      expect(connect).not.toHaveBeenCalled();
    },
  );
});

describe("with a server that listens on the very port", () => {
  test("nothing reaches it while loopback is not allowed, by http or https", async () => {
    await using server = await serveHttp();
    for (const host of [...HOSTILE_HOSTS, ...Object.keys(HOSTILE_NAMES)]) {
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
