import { AppError } from "../domain/errors.ts";
import { describe, expect, test } from "vitest";
import { mayConnect, parseTarget } from "./target.ts";
import type { EgressPolicy } from "./target.ts";

const STRICT: EgressPolicy = { allowLoopback: false };
const LOOPBACK: EgressPolicy = { allowLoopback: true };

function refusalOf(url: string, policy: EgressPolicy): unknown {
  try {
    parseTarget(url, policy);
  } catch (error) {
    if (error instanceof AppError && error.code === "input_forbidden") return error.detail["reason"];
    throw error;
  }
  return "allowed";
}

describe("what may be asked for", () => {
  test.each([
    ["https://example.com", "example.com", 443],
    ["https://example.com:443/a?b#c", "example.com", 443],
    ["https://example.com:8443/", "example.com", 8443],
    ["https://EXAMPLE.com./x", "example.com", 443],
    ["https://b\u00fccher.example/", "xn--bcher-kva.example", 443],
    ["https://8.8.8.8/", "8.8.8.8", 443],
    ["https://134744072/", "8.8.8.8", 443],
    ["https://[2606:4700:4700::1111]:8443/", "2606:4700:4700::1111", 8443],
    ["https://localhost.example.com/", "localhost.example.com", 443],
    ["https://internal.example.com/", "internal.example.com", 443],
  ])("%s", (url, host, port) => {
    expect(parseTarget(url, STRICT)).toMatchObject({ host, port, reach: "global" });
  });

  test("a trailing dot is gone from the URL as well, so that redirects and the Host header see one form", () => {
    expect(parseTarget("https://example.com.:8443/a", STRICT).url.href).toBe("https://example.com:8443/a");
  });
});

describe("what is refused", () => {
  test.each([
    ["", "malformed"],
    ["example.com", "malformed"],
    ["https://", "malformed"],
    ["https://exa mple.com/", "malformed"],
    ["https://256.1.1.1/", "malformed"],
    ["https://1.2.3.4.5/", "malformed"],
    ["https://[fe80::1%25eth0]/", "malformed"],
    ["https://[fe80::1%eth0]/", "malformed"],
    ["https://[::1/", "malformed"],
    ["https://example.com:99999/", "malformed"],
    ["http://example.com/", "scheme"],
    ["http://example.com:443/", "scheme"],
    ["ftp://example.com/", "scheme"],
    ["file:///etc/passwd", "scheme"],
    ["data:audio/wav;base64,AAAA", "scheme"],
    ["gopher://example.com/", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["blob:https://example.com/1", "scheme"],
    ["ws://example.com/", "scheme"],
    ["s3://bucket/key", "scheme"],
    ["https://user@example.com/", "userinfo"],
    ["https://user:pass@example.com/", "userinfo"],
    ["https://:pass@example.com/", "userinfo"],
    ["https://example.com%40@evil.example/", "userinfo"],
    ["https://example.com:80/", "port"],
    ["https://example.com:22/", "port"],
    ["https://example.com:4430/", "port"],
    ["https://example.com:0/", "port"],
    ["https://localhost/", "host"],
    ["https://LOCALHOST./", "host"],
    ["https://a.localhost/", "host"],
    ["https://localhost.localdomain/", "host"],
    ["https://printer.local/", "host"],
    ["https://metadata.google.internal/", "host"],
    ["https://router.home.arpa/", "host"],
    ["https://intranet/", "host"],
    ["https://./", "host"],
    ["https://example.com../", "host"],
    ["https://example..com/", "host"],
    ["https://.example.com/", "host"],
    ["https://10.0.0.1/", "address"],
    ["https://[::]/", "address"],
  ])("%j: %s", (url, reason) => {
    expect(refusalOf(url, STRICT)).toBe(reason);
  });

  test("the error tells the host, and neither the path nor the query nor the password", () => {
    const url = "https://user:hunter2@10.0.0.1/private?token=s3cret#s3cret";
    for (const refused of [url, url.replace("user:hunter2@", ""), url.replace("https", "http")]) {
      const error = catchError(() => parseTarget(refused, STRICT));
      expect(JSON.stringify([error.message, error.detail, String(error.cause)])).not.toMatch(
        /s3cret|hunter2|private/,
      );
    }
    expect(catchError(() => parseTarget("https://10.0.0.1/", STRICT)).detail["host"]).toBe("10.0.0.1");
  });
});

/** Every way to write 127.0.0.1 that the URL parser knows. */
const LOOPBACK_SPELLINGS = `
  127.0.0.1 127.0.0.1. 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0x7F.0.0.0x1 0177.0.0.1
  017700000001 0177.1 127.0.0.01 127.0.0.0x1 %31%32%37.0.0.1 127.0.0.%31 \uff11\uff12\uff17.0.0.1
  \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 12\u00ad7.0.0.1
  0x7f.0.1
`
  .trim()
  .split(/\s+/);

describe("spellings of loopback", () => {
  test.each(LOOPBACK_SPELLINGS)("https://%s/ is refused as the address that it is", (host) => {
    expect(refusalOf(`https://${host}/`, STRICT)).toBe("address");
    expect(parseTarget(`https://${host}/`, LOOPBACK).host).toBe("127.0.0.1");
  });

  test.each([
    "https:127.0.0.1",
    "https:/127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    " https://127.0.0.1/ ",
    "ht\ntps://127.0\t.0.1/",
  ])("%j is refused as the address that it is", (url) => {
    expect(refusalOf(url, STRICT)).toBe("address");
  });
});

describe("where loopback is allowed", () => {
  test.each([
    ["http://127.0.0.1:3000/hook", "loopback"],
    ["http://localhost/", "loopback"],
    ["http://localhost.:81/", "loopback"],
    ["https://localhost:8443/", "loopback"],
    ["https://127.0.0.1:1/", "loopback"],
    ["http://[::1]:3000/", "loopback"],
    ["http://hooks.example.com/", "loopback"],
    ["https://hooks.example.com:3000/", "loopback"],
    ["https://hooks.example.com/", "global or loopback"],
    ["https://8.8.8.8/", "global or loopback"],
  ])("%s reaches %s", (url, reach) => {
    expect(parseTarget(url, LOOPBACK).reach).toBe(reach);
  });

  test.each([
    ["http://8.8.8.8/", "address"],
    ["https://8.8.8.8:3000/", "address"],
    ["http://0.0.0.0/", "address"],
    ["http://10.0.0.1/", "address"],
    ["http://169.254.169.254/", "address"],
    ["http://[::ffff:127.0.0.1]/", "address"],
    ["http://[64:ff9b::127.0.0.1]/", "address"],
    ["http://a.localhost/", "host"],
    ["http://printer.local/", "host"],
    ["http://user@127.0.0.1/", "userinfo"],
    ["ftp://127.0.0.1/", "scheme"],
  ])("%s is still refused: %s", (url, reason) => {
    expect(refusalOf(url, LOOPBACK)).toBe(reason);
  });

  test("plain http and odd ports connect to loopback alone", () => {
    const target = parseTarget("http://hooks.example.com/", LOOPBACK);
    expect(mayConnect(target, "127.0.0.1")).toBe(true);
    expect(mayConnect(target, "8.8.8.8")).toBe(false);
  });

  test("https on 443 connects to both, and to nothing private", () => {
    const target = parseTarget("https://hooks.example.com/", LOOPBACK);
    expect(["127.0.0.1", "8.8.8.8", "10.0.0.1", "::1"].map((ip) => mayConnect(target, ip))).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });
});

function catchError(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error("it was not refused");
}

test("one opened port of loopback opens no other", () => {
  const policy: EgressPolicy = { allowLoopback: { port: 4567 } };
  expect(refusalOf("http://127.0.0.1:4567/hook", policy)).toBe("allowed");
  expect(refusalOf("http://127.0.0.1:4568/hook", policy)).toBe("scheme");
  expect(refusalOf("https://127.0.0.1/hook", policy)).toBe("address");
  expect(refusalOf("http://10.0.0.1:4567/hook", policy)).toBe("address");
});
