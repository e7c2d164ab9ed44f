import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { AppError } from "@earshot/shared/domain/errors";
import { describe, expect, test, vi } from "vitest";
import { EgressError, egressErrorOf } from "./egress-error.ts";
import { guardedRequest } from "./guarded-request.ts";
import type { GuardedRequestOptions } from "./guarded-request.ts";
import { serveHttp, serveRaw } from "./testing/loopback-server.ts";

function get(url: string, options: Partial<GuardedRequestOptions> = {}) {
  const { signal } = new AbortController();
  return guardedRequest(url, { method: "GET", policy: { allowLoopback: true }, signal, ...options });
}

function answering(...addresses: string[]) {
  return vi.fn(async () => addresses);
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error,
  );
}

describe("a request", () => {
  test("carries method, path, headers and body, and brings back status, headers and body", async () => {
    await using server = await serveHttp((request, response) => {
      response.writeHead(418, { "x-answer": "42" });
      request.pipe(response);
    });
    const sent = { method: "POST", headers: { "x-question": "6x7" }, body: "h\u00e9llo" };
    const response = await get(`${server.origin}/a%20b?c=d#e`, sent);
    expect(response).toMatchObject({ status: 418, headers: { "x-answer": "42" } });
    expect(await text(response.body)).toBe("h\u00e9llo");
    expect(server.requests[0]).toMatchObject({ method: "POST", url: "/a%20b?c=d" });
    expect(server.requests[0]?.headers).toMatchObject({
      host: `127.0.0.1:${server.port}`,
      "content-length": "6",
      "x-question": "6x7",
    });
  });

  test("resolves a name by the system when it is given no resolver", async () => {
    await using server = await serveHttp();
    const response = await get(`http://localhost:${server.port}/`);
    expect(await text(response.body)).toBe("ok");
  });

  test("follows no redirect", async () => {
    await using elsewhere = await serveHttp();
    await using server = await serveHttp((_, response) =>
      response.writeHead(307, { location: elsewhere.origin }).end(),
    );
    const response = await get(server.origin);
    response.body.destroy();
    expect(response.status).toBe(307);
    expect(elsewhere.connections()).toBe(0);
  });

  test("shares no connection with the one before", async () => {
    await using server = await serveHttp();
    await text((await get(server.origin)).body);
    await text((await get(server.origin)).body);
    expect(server.connections()).toBe(2);
  });

  test("ignores the proxy that node was set up with", async () => {
    await using proxy = await serveHttp();
    await using server = await serveHttp();
    const restore = http.setGlobalProxyFromEnv({ http_proxy: proxy.origin });
    try {
      await text((await get(server.origin)).body);
    } finally {
      restore();
    }
    expect([proxy.connections(), server.connections()]).toEqual([0, 1]);
  });
});

describe("a name", () => {
  test("is resolved once, and the connection goes to that answer with the name in its Host header", async () => {
    await using server = await serveHttp();
    const resolve = answering("127.0.0.1");
    // No resolver of this machine knows the name, so only the pin can have brought the request here.
    const response = await get(`http://hooks.example.com:${server.port}/`, { resolve });
    expect(await text(response.body)).toBe("ok");
    expect(server.requests[0]?.headers.host).toBe(`hooks.example.com:${server.port}`);
    expect(resolve).toHaveBeenCalledExactlyOnceWith("hooks.example.com");
  });

  test("whose answer changes after the check is not asked for again", async () => {
    await using server = await serveHttp();
    const resolve = answering("127.0.0.1")
      .mockResolvedValueOnce(["127.0.0.1"])
      .mockResolvedValue(["10.0.0.1"]);
    const url = `http://rebind.example.com:${server.port}/`;
    expect(await text((await get(url, { resolve })).body)).toBe("ok");
    expect(await errorOf(get(url, { resolve }))).toMatchObject({ code: "input_forbidden" });
    expect(server.connections()).toBe(1);
  });

  test("with two good answers is reached though the first refuses", async () => {
    await using server = await serveHttp();
    // Nothing listens on ::1 at this port; where there is no IPv6 at all the outcome is the same.
    const response = await get(`http://hooks.example.com:${server.port}/`, {
      resolve: answering("::1", "127.0.0.1"),
    });
    expect(await text(response.body)).toBe("ok");
  });

  test.each([
    [["127.0.0.1", "10.0.0.1"]],
    [["10.0.0.1", "127.0.0.1"]],
    [["127.0.0.1", "8.8.8.8", "169.254.169.254"]],
    [["127.0.0.1", "::ffff:127.0.0.1"]],
    [["127.0.0.1", "fe80::1%lo"]],
    [["127.0.0.1", "not an address"]],
    [["127.0.0.1", ""]],
  ])("with the answers %j is refused whole", async (answers) => {
    await using server = await serveHttp();
    const error = await errorOf(
      get(`http://hooks.example.com:${server.port}/`, { resolve: answering(...answers) }),
    );
    expect(error).toMatchObject({
      code: "input_forbidden",
      detail: { reason: "address", host: "hooks.example.com" },
    });
    expect(JSON.stringify((error as AppError).detail)).not.toMatch(/10\.0|169\.254/);
    expect(server.connections()).toBe(0);
  });
});

describe("what the far side does wrong", () => {
  test("a port that nobody listens on is a connect fault", async () => {
    const server = await serveHttp();
    await server[Symbol.asyncDispose]();
    expect(await errorOf(get(server.origin))).toMatchObject({ name: "EgressError", kind: "connect" });
  });

  test("a name without addresses is a dns fault", async () => {
    const url = "https://nowhere.example.com/";
    expect(await errorOf(get(url, { resolve: answering() }))).toMatchObject({ kind: "dns" });
    const cause = Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" });
    expect(await errorOf(get(url, { resolve: () => Promise.reject(cause) }))).toMatchObject({
      kind: "dns",
      cause,
    });
  });

  test.each<[string, string, (socket: Socket) => void]>([
    ["a connection cut before the answer", "reset", (socket) => socket.destroy()],
    ["a connection reset before the answer", "reset", (socket) => socket.resetAndDestroy()],
    ["an end before the answer", "reset", (socket) => socket.end()],
    ["an answer that is not HTTP", "protocol", (socket) => socket.end("SSH-2.0-OpenSSH_9\r\n")],
    [
      "headers without end",
      "protocol",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`),
    ],
    [
      "an upgrade",
      "reset",
      (socket) => socket.write("HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
    ],
  ])("%s is a %s fault", async (_, kind, handle) => {
    await using server = await serveRaw((socket) => socket.once("data", () => handle(socket)));
    expect(await errorOf(get(server.origin))).toMatchObject({ name: "EgressError", kind });
  });

  test.each([
    ["a shorter body than declared", "content-length: 10\r\n\r\nfour"],
    ["a chunked body without its end", "transfer-encoding: chunked\r\n\r\n4\r\nfour\r\n"],
  ])("%s fails the read of the body", async (_, rest) => {
    await using server = await serveRaw((socket) =>
      socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`)),
    );
    const { signal } = new AbortController();
    const response = await get(server.origin, { signal });
    expect(egressErrorOf(await errorOf(text(response.body)), signal)).toMatchObject({ kind: "reset" });
  });

  test("bytes after the body are nobody's, and no error goes unheard", async () => {
    const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\ngarbage";
    await using server = await serveRaw((socket) => socket.once("data", () => socket.end(answer)));
    const response = await get(server.origin);
    expect(await text(response.body)).toBe("ok");
  });
});

describe("the one signal", () => {
  const reason = new Error("drain");

  test("aborted before the start opens nothing, and asks no resolver", async () => {
    await using server = await serveHttp();
    const resolve = answering("127.0.0.1");
    const url = `http://hooks.example.com:${server.port}/`;
    expect(await errorOf(get(url, { signal: AbortSignal.abort(reason), resolve }))).toBe(reason);
    expect(resolve).not.toHaveBeenCalled();
    expect(server.connections()).toBe(0);
  });

  test("ends the wait for a resolver that never answers", async () => {
    const controller = new AbortController();
    const resolve = () => {
      queueMicrotask(() => controller.abort(reason));
      return new Promise<string[]>(() => {});
    };
    expect(await errorOf(get("https://hooks.example.com/", { signal: controller.signal, resolve }))).toBe(
      reason,
    );
  });

  test("destroys the socket while the answer is awaited", async () => {
    const accepted = Promise.withResolvers<Socket>();
    await using server = await serveRaw((socket) => accepted.resolve(socket));
    const controller = new AbortController();
    const pending = errorOf(get(server.origin, { signal: controller.signal }));
    const socket = await accepted.promise;
    socket.resume();
    controller.abort(reason);
    expect(await pending).toBe(reason);
    await once(socket, "close");
  });

  test("destroys the socket while the body is read, and the read fails with the reason", async () => {
    const answered = Promise.withResolvers<http.ServerResponse>();
    await using server = await serveHttp((_, response) => {
      response.write("first");
      answered.resolve(response);
    });
    const controller = new AbortController();
    const { body } = await get(server.origin, { signal: controller.signal });
    const chunks = body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe("first");
    const closed = once(await answered.promise, "close");
    controller.abort(reason);
    expect(egressErrorOf(await errorOf(chunks.next()), controller.signal)).toBe(reason);
    await closed;
  });

  test("aborted with a small answer unread does not make it look whole", async () => {
    await using server = await serveHttp();
    const controller = new AbortController();
    const { body } = await get(server.origin, { signal: controller.signal });
    controller.abort(reason);
    expect(egressErrorOf(await errorOf(text(body)), controller.signal)).toBe(reason);
  });

  test("that is a timeout gives a timeout fault", async () => {
    await using server = await serveRaw(() => {});
    const error = await errorOf(get(server.origin, { signal: AbortSignal.timeout(20) }));
    expect(error).toBeInstanceOf(EgressError);
    expect(error).toMatchObject({ kind: "timeout" });
  });

  test("is let go once the body has ended", async () => {
    await using server = await serveHttp();
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const { body } = await get(server.origin, { signal });
    await Promise.all([text(body), once(body, "close")]);
    expect(added).toHaveBeenCalled();
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });
});
