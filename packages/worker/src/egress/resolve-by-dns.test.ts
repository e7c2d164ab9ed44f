import { createSocket } from "node:dgram";
import { once } from "node:events";
import { startTestDns } from "@earshot/testkit/dns";
import { expect, test } from "vitest";
import { resolveByDns } from "./resolve-by-dns.ts";

test("a name gives all its addresses, of both families", async () => {
  await using dns = await startTestDns({ "hooks.example.com": ["192.0.2.1", "192.0.2.2", "2001:db8::1"] });
  const resolve = resolveByDns([`127.0.0.1:${dns.port}`]);
  expect((await resolve("hooks.example.com")).toSorted()).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
});

test("what DNS does not know may be known to this machine", async () => {
  await using dns = await startTestDns({});
  const resolve = resolveByDns([`127.0.0.1:${dns.port}`]);
  expect(await resolve("localhost")).not.toEqual([]);
  await expect(resolve("nowhere.invalid")).rejects.toThrow();
});

test("names whose server is silent hold up no other name", async () => {
  const silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  await using dns = await startTestDns({ "hooks.example.com": ["192.0.2.1"] });
  const hanging = resolveByDns([`127.0.0.1:${silent.address().port}`]);
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  // More than there are threads for the system's resolver.
  const waits = Array.from({ length: 12 }, (_, n) => hanging(`sick-${n}.example.com`).catch(note("sick")));
  await resolveByDns([`127.0.0.1:${dns.port}`])("hooks.example.com").then(note("healthy"));
  await Promise.all(waits);
  expect(order[0]).toBe("healthy");
  silent.close();
});
