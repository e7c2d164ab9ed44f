import https from "node:https";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guardedRequest } from "./guarded-request.ts";
import { selfSigned } from "./testing/certificate.ts";
import { listen, serveHttp } from "./testing/loopback-server.ts";

const NAME = "hooks.example.com";

function post(url: string) {
  return guardedRequest(url, {
    method: "POST",
    body: "secret",
    policy: { allowLoopback: true },
    signal: new AbortController().signal,
    resolve: async () => ["127.0.0.1"],
  });
}

async function serveTls(name: string) {
  const seen = { names: [] as string[], requests: 0 };
  const certificate = selfSigned(name);
  const server = https.createServer({
    ...certificate,
    SNICallback: (asked, answer) => {
      seen.names.push(asked);
      answer(null, tls.createSecureContext(certificate));
    },
  });
  server.on("request", (_, response) => {
    seen.requests++;
    response.end("ok");
  });
  return { ...(await listen(server)), cert: certificate.cert, seen };
}

describe("https", () => {
  const usual = tls.getCACertificates("default");
  let server: Awaited<ReturnType<typeof serveTls>>;

  beforeAll(async () => {
    server = await serveTls(NAME);
    tls.setDefaultCACertificates([...usual, server.cert]);
  });
  afterAll(async () => {
    tls.setDefaultCACertificates(usual);
    await server[Symbol.asyncDispose]();
  });

  test("goes to the pinned address, and proves and names the host", async () => {
    const response = await post(`https://${NAME}.:${server.port}/`);
    expect(await text(response.body)).toBe("ok");
    expect(server.seen.names).toEqual([NAME]);
  });

  test("a certificate for another name is a tls fault, and nothing is sent", async () => {
    const before = server.seen.requests;
    await expect(post(`https://other.example.com:${server.port}/`)).rejects.toMatchObject({ kind: "tls" });
    expect(server.seen.requests).toBe(before);
  });

  test("a certificate that nobody vouches for is a tls fault, and nothing is sent", async () => {
    await using untrusted = await serveTls(NAME);
    await expect(post(`https://${NAME}:${untrusted.port}/`)).rejects.toMatchObject({ kind: "tls" });
    expect(untrusted.connections()).toBe(1);
    expect(untrusted.seen.requests).toBe(0);
  });

  test("a server that speaks plain http is a tls fault", async () => {
    await using plain = await serveHttp();
    await expect(post(`https://${NAME}:${plain.port}/`)).rejects.toMatchObject({ kind: "tls" });
  });
});
