import { expect, test } from "vitest";
import { startReceiver } from "./receiver.ts";

test("a request is remembered whole and answered with 200", async () => {
  await using receiver = await startReceiver();
  const response = await fetch(`${receiver.url}/hook?a=1`, {
    method: "POST",
    headers: { "x-id": "7" },
    body: "hällo",
  });
  expect(response.status).toBe(200);
  expect(await receiver.next()).toMatchObject({
    method: "POST",
    path: "/hook?a=1",
    body: "hällo",
    headers: { "x-id": "7" },
  });
});

test("scripted answers are given in order", async () => {
  await using receiver = await startReceiver();
  receiver.script({ status: 503, headers: { "retry-after": "1" }, body: "later" }, "reset");
  const refused = await fetch(receiver.url);
  expect([refused.status, refused.headers.get("retry-after"), await refused.text()]).toEqual([
    503,
    "1",
    "later",
  ]);
  await expect(fetch(receiver.url)).rejects.toThrow();
  expect((await fetch(receiver.url)).status).toBe(200);
});

test("next waits for a request that fits, and each request is taken once", async () => {
  await using receiver = await startReceiver();
  const second = receiver.next(({ path }) => path === "/two");
  await fetch(`${receiver.url}/one`);
  await fetch(`${receiver.url}/two`);
  expect((await second).path).toBe("/two");
  expect((await receiver.next()).path).toBe("/one");
  await expect(receiver.next(undefined, { timeoutMs: 20 })).rejects.toThrow(/No request fitted/);
});

test("stop ends a request that hangs", async () => {
  const receiver = await startReceiver();
  receiver.script("hang");
  const request = fetch(receiver.url);
  await receiver.next();
  await Promise.all([receiver.stop(), expect(request).rejects.toThrow()]);
});
