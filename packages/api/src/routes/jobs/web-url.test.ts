import { expect, test } from "vitest";
import { HOSTILE_NAMES, HOSTILE_URLS } from "@earshot/testkit/hostile-targets";
import { isPlainWebUrl, whyForbidden } from "./web-url.ts";

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

test("what the guard of the worker refuses whatever DNS says is refused here", () => {
  const taken = HOSTILE_URLS.filter((url) => isPlainWebUrl(url) && whyForbidden(url, false) === null);
  expect(taken).toEqual([]);
  expect(HOSTILE_URLS.length).toBeGreaterThan(250);
});

test("what depends on DNS is left to the guard", () => {
  for (const name of Object.keys(HOSTILE_NAMES)) expect(whyForbidden(`https://${name}/`, false)).toBeNull();
});

test("why is told", () => {
  expect(whyForbidden("http://example.com/", false)).toBe("The URL must be https.");
  expect(whyForbidden("https://example.com:22/", false)).toBe("The port must be 443 or 8443.");
  expect(whyForbidden("https://localhost/", false)).toBe("The host must be one of the public internet.");
  expect(whyForbidden("https://10.0.0.1/", false)).toBe("The address must be one of the public internet.");
});

test("where loopback is opened it is this machine alone, and one opened port opens no other", () => {
  for (const url of ["http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]/a"])
    expect(whyForbidden(url, true), url).toBeNull();
  for (const url of [
    "http://10.0.0.1/",
    "http://0.0.0.0/",
    "http://[::ffff:127.0.0.1]/",
    "http://example.com/",
  ])
    expect(whyForbidden(url, true), url).not.toBeNull();
  expect(whyForbidden("http://127.0.0.1:4567/", { port: 4567 })).toBeNull();
  expect(whyForbidden("http://127.0.0.1:4568/", { port: 4567 })).not.toBeNull();
  expect(whyForbidden("http://127.0.0.1:4567/", false)).not.toBeNull();
});
