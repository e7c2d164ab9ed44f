import { expect, test } from "vitest";
import { isAllowedOnLoopback, isPlainWebUrl } from "./web-url.ts";

test.for([
  "https://example.com",
  "https://example.com:8443/a%20b.wav?x=1@2",
  "HTTP://127.0.0.1/a",
  "https://[2001:db8::1]/é",
])("%s is a web URL", (url) => expect(isPlainWebUrl(url)).toBe(true));

test.for([
  "",
  "example.com",
  "//example.com",
  "ftp://example.com",
  "data:audio/wav;base64,AA",
  "https://u@example.com",
  "https://:p@example.com",
  "https://exa mple.com",
  " https://example.com",
  "https://example.com\n",
  "https:\\\\example.com",
  "https://",
])("%j is not", (url) => expect(isPlainWebUrl(url)).toBe(false));

const isOpen = (url: string) => isAllowedOnLoopback(url, true);

test("loopback is this machine alone", () => {
  expect(
    ["http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]/a", "http://0x7f.1/"].map(isOpen),
  ).not.toContain(false);
  expect(
    [
      "https://127.0.0.1/",
      "http://127.0.0.1.evil.test/",
      "http://localhost.evil.test/",
      "http://10.0.0.1/",
    ].map(isOpen),
  ).not.toContain(true);
});

test("one opened port opens no other, and nothing opens none", () => {
  expect(isAllowedOnLoopback("http://127.0.0.1:4567/", { port: 4567 })).toBe(true);
  expect(isAllowedOnLoopback("http://127.0.0.1:4568/", { port: 4567 })).toBe(false);
  expect(isAllowedOnLoopback("http://127.0.0.1:4567/", false)).toBe(false);
});
