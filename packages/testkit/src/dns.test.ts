import { expect, test } from "vitest";
import { startTestDns } from "./dns.ts";

test("a name has its addresses of both families, and its answers may change", async () => {
  await using dns = await startTestDns({
    "both.example.com": ["8.8.8.8", "2606:4700::1"],
    "four.example.com": ["8.8.8.8"],
    "changing.example.com": [["8.8.8.8"], ["127.0.0.1", "::1"]],
  });
  expect(await dns.resolve("both.example.com")).toEqual(["8.8.8.8", "2606:4700::1"]);
  expect(await dns.resolve("four.example.com")).toEqual(["8.8.8.8"]);
  expect(await dns.resolve("changing.example.com")).toEqual(["8.8.8.8"]);
  expect(await dns.resolve("changing.example.com")).toEqual(["127.0.0.1", "::1"]);
  expect(dns.questions.filter((question) => question.endsWith("four.example.com")).toSorted()).toEqual([
    "A four.example.com",
    "AAAA four.example.com",
  ]);
});

test("a name that it doesn't have does not exist", async () => {
  await using dns = await startTestDns({});
  await expect(dns.resolve("nobody.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
});
