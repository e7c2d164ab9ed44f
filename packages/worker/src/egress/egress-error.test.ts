import { AppError } from "@earshot/shared/domain/errors";
import { expect, test } from "vitest";
import { EgressError, egressErrorOf } from "./egress-error.ts";

const { signal } = new AbortController();

function coded(code: string) {
  return Object.assign(new Error("as node says it"), { code });
}

test.each([
  ["ECONNREFUSED", "connect"],
  ["EHOSTUNREACH", "connect"],
  ["ENETUNREACH", "connect"],
  ["EADDRNOTAVAIL", "connect"],
  ["SOMETHING_NEW", "connect"],
  ["ETIMEDOUT", "timeout"],
  ["ECONNRESET", "reset"],
  ["EPIPE", "reset"],
  ["ERR_STREAM_PREMATURE_CLOSE", "reset"],
  ["HPE_INVALID_CONSTANT", "protocol"],
  ["HPE_HEADER_OVERFLOW", "protocol"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "tls"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "tls"],
  ["CERT_HAS_EXPIRED", "tls"],
  ["CRL_HAS_EXPIRED", "tls"],
  ["INVALID_PURPOSE", "tls"],
  ["HOSTNAME_MISMATCH", "tls"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
  ["EPROTO", "tls"],
])("%s is a %s fault with its cause", (code, kind) => {
  const cause = coded(code);
  expect(egressErrorOf(cause, signal)).toMatchObject({ name: "EgressError", kind, cause });
});

test("what has a meaning already keeps it", () => {
  for (const error of [new AppError("input_forbidden"), new EgressError("dns")]) {
    expect(egressErrorOf(error, signal)).toBe(error);
  }
});

test("an abort is told before the fault that it caused", () => {
  const reason = new Error("drain");
  expect(egressErrorOf(coded("ECONNRESET"), AbortSignal.abort(reason))).toBe(reason);
});

test("the message tells the kind and nothing of the address", () => {
  expect(new EgressError("tls", { cause: new Error("10.0.0.1") }).message).toBe("the request failed: tls");
});
