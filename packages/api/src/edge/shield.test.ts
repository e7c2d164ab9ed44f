import { expect, test } from "vitest";
import { bodyOf } from "../../test/answer.ts";
import { shield } from "./shield.ts";

const from = (address?: string) =>
  new Request("https://api.test/", { headers: address === undefined ? {} : { "CF-Connecting-IP": address } });

test("an address that asks far too much is told when to come back", async () => {
  const asked: string[] = [];
  const binding = {
    limit: async ({ key }: { key: string }) => ({ success: asked.push(key) < 2 }),
  };
  expect(await shield(from("192.0.2.1"), binding)).toBeNull();
  const refusal = await shield(from("192.0.2.1"), binding);
  expect([refusal?.status, refusal?.headers.get("Retry-After")]).toEqual([429, "60"]);
  expect(await bodyOf(refusal ?? new Response())).toMatchObject({ code: "rate_limited" });
  expect(asked).toEqual(["192.0.2.1", "192.0.2.1"]);
});

test("without the binding, an address, or an answer of it, requests go on to the exact limits", async () => {
  const away = { limit: () => Promise.reject(new Error("away")) };
  expect(await shield(from("192.0.2.1"), undefined)).toBeNull();
  expect(await shield(from(), { limit: async () => ({ success: false }) })).toBeNull();
  expect(await shield(from("192.0.2.1"), away)).toBeNull();
});
