import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { AppError } from "@earshot/shared/domain/errors";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fetchInput } from "./fetch-input.ts";
import type { FetchInputOptions } from "./fetch-input.ts";
import { serveHttp, serveRaw } from "./testing/loopback-server.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-fetch-"));
});
afterEach(() => rm(directory, { recursive: true }));

function fetch(url: string, options: Partial<FetchInputOptions> = {}) {
  return fetchInput(url, {
    policy: { allowLoopback: true },
    toFile: join(directory, "input"),
    maxBytes: 1_000_000,
    stallMs: 10_000,
    signal: new AbortController().signal,
    ...options,
  });
}

/** How it failed; and no file may be left by then. */
async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => expect.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(await readdir(directory)).toEqual([]);
  return error instanceof AppError ? { code: error.code, detail: error.detail } : error;
}

function redirect(location: string, status = 302): RequestListener {
  return (_, response) => void response.writeHead(status, { location }).end("moved");
}

describe("an input", () => {
  test("is streamed to the file, counted and hashed", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));
    await using server = await serveHttp((_, response) => void response.end(bytes));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(await fetch(server.origin)).toEqual({ bytes: 300_000, sha256 });
    expect(bytes.equals(await readFile(join(directory, "input")))).toBe(true);
    expect(server.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test("without a declared length is whole when its chunks say so", async () => {
    await using server = await serveHttp((_, response) => {
      response.write("one,");
      response.end("two");
    });
    expect(await fetch(server.origin)).toMatchObject({ bytes: 7 });
  });

  test("may be empty", async () => {
    await using server = await serveHttp((_, response) => void response.end());
    expect(await fetch(server.origin)).toMatchObject({ bytes: 0 });
    expect(await readdir(directory)).toEqual(["input"]);
  });
});

describe("the cap", () => {
  test("of exactly the input's size lets it through", async () => {
    await using server = await serveHttp((_, response) => void response.end("x".repeat(100)));
    expect(await fetch(server.origin, { maxBytes: 100 })).toMatchObject({ bytes: 100 });
  });

  test("refuses a larger declared length before any of the body has come", async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-length": "101" }).flushHeaders();
    });
    expect(await failureOf(fetch(server.origin, { maxBytes: 100 }))).toEqual({
      code: "input_too_large",
      detail: { limitBytes: 100, declaredBytes: 101 },
    });
  });

  test("stops an endless body that declared nothing", async () => {
    await using server = await serveHttp((_, response) => {
      const more = () => void (response.destroyed || response.write(Buffer.alloc(16_384), more));
      more();
    });
    const failure = await failureOf(fetch(server.origin, { maxBytes: 100_000 }));
    expect(failure).toEqual({ code: "input_too_large", detail: { limitBytes: 100_000 } });
  });
});

describe("redirects", () => {
  test.each([301, 302, 303, 307, 308])("a %i is followed, relative to where it came from", async (status) => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/a/b") return void response.writeHead(status, { location: "c?d" }).end();
      response.end(request.url);
    });
    await fetch(`${server.origin}/a/b`);
    expect(await readFile(join(directory, "input"), "utf8")).toBe("/a/c?d");
  });

  test("five are followed", async () => {
    await using server = await serveHttp((request, response) => {
      const hop = Number(request.url?.slice(1));
      if (hop < 5) return void response.writeHead(302, { location: `/${hop + 1}` }).end();
      response.end("there");
    });
    expect(await fetch(`${server.origin}/0`)).toMatchObject({ bytes: 5 });
  });

  test("a sixth is not", async () => {
    await using server = await serveHttp(redirect("/again"));
    expect(await failureOf(fetch(server.origin))).toEqual({
      code: "input_unreachable",
      detail: { reason: "too_many_redirects" },
    });
    expect(server.connections()).toBe(6);
  });

  test.each([
    "http://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "http://0.0.0.0:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "//192.168.0.1/",
    "https://metadata.google.internal/",
    "http://private.example.com:PORT/",
    "http://user:pass@127.0.0.1:PORT/",
    "http://8.8.8.8/",
    "https://8.8.8.8:22/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:PORT/",
    "data:audio/wav;base64,UklGRg==",
    "https://[",
  ])("one to %s goes nowhere", async (location) => {
    await using server = await serveHttp((request, response) => {
      if (request.url !== "/start") return void response.end("reached");
      redirect(location.replace("PORT", String(server.port)))(request, response);
    });
    const resolve = async () => ["10.0.0.1"];
    expect(await failureOf(fetch(`${server.origin}/start`, { resolve }))).toMatchObject({
      code: "input_forbidden",
    });
    expect(server.connections()).toBe(1);
  });

  test("the connection of the hop before is closed, though its body has no end", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serveHttp((request, response) => {
      if (request.url === "/next") return void response.end("there");
      response.writeHead(302, { location: "/next" }).write("endless");
      response.once("close", closed.resolve);
    });
    await fetch(server.origin);
    await closed.promise;
  });

  test("a name is checked anew at each hop", async () => {
    await using server = await serveHttp(redirect("/next"));
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    const resolve = async () => answers.shift() ?? [];
    const url = `http://files.example.com:${server.port}/`;
    expect(await failureOf(fetch(url, { resolve }))).toMatchObject({ code: "input_forbidden" });
    expect(server.connections()).toBe(1);
  });
});

describe("an unreachable input", () => {
  test.each([300, 304, 400, 401, 403, 404, 408, 410, 416, 429, 500, 502, 503])(
    "a %i is told",
    async (status) => {
      await using server = await serveHttp((_, response) => void response.writeHead(status).end());
      expect(await failureOf(fetch(server.origin))).toEqual({
        code: "input_unreachable",
        detail: { status },
      });
    },
  );

  test("a redirect without a location is told by its status", async () => {
    await using server = await serveHttp((_, response) => void response.writeHead(302).end());
    expect(await failureOf(fetch(server.origin))).toEqual({
      code: "input_unreachable",
      detail: { status: 302 },
    });
  });

  test.each<[string, string, (socket: Socket) => void]>([
    ["cut before the answer", "reset", (socket) => socket.destroy()],
    ["that is not HTTP", "protocol", (socket) => socket.end("hello\r\n\r\n")],
    ["that ends early", "reset", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour")],
    [
      "whose chunks end early",
      "reset",
      (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nfour"),
    ],
  ])("an answer %s is a %s", async (_, reason, handle) => {
    await using server = await serveRaw((socket) => socket.once("data", () => handle(socket)));
    expect(await failureOf(fetch(server.origin))).toEqual({ code: "input_unreachable", detail: { reason } });
  });

  test("a port that nobody listens on, and a name that nobody knows", async () => {
    const server = await serveHttp();
    await server[Symbol.asyncDispose]();
    expect(await failureOf(fetch(server.origin))).toEqual({
      code: "input_unreachable",
      detail: { reason: "connect" },
    });
    const unknown = fetch("https://nobody.example.com/", { resolve: async () => [] });
    expect(await failureOf(unknown)).toEqual({ code: "input_unreachable", detail: { reason: "dns" } });
  });
});

describe("a stall", () => {
  test("before the answer is a timeout", async () => {
    await using server = await serveRaw(() => {});
    const failure = await failureOf(fetch(server.origin, { stallMs: 20 }));
    expect(failure).toEqual({ code: "input_unreachable", detail: { reason: "timeout" } });
  });

  test("in the middle of the body is a timeout, and closes the socket", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serveHttp((_, response) => {
      response.write("first");
      response.once("close", closed.resolve);
    });
    const failure = await failureOf(fetch(server.origin, { stallMs: 50 }));
    expect(failure).toEqual({ code: "input_unreachable", detail: { reason: "timeout" } });
    await closed.promise;
  });
});

describe("a slow input", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("that takes many times the limit is no stall while bytes arrive", async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    await using server = await serveHttp((_, response) => asked.resolve(response));
    const work = fetch(server.origin, { stallMs: 10_000 });
    const response = await asked.promise;
    for (let size = 1; size <= 5; size++) {
      vi.advanceTimersByTime(9_000);
      response.write("x");
      await untilFileHas(size);
    }
    response.end();
    expect(await work).toMatchObject({ bytes: 5 });
  });
});

async function untilFileHas(size: number): Promise<void> {
  const file = join(directory, "input");
  while (((await stat(file).catch(() => null))?.size ?? 0) < size) await setImmediate();
}

describe("an abort", () => {
  test("in the middle of the body gives the signal's reason, and leaves neither socket nor file", async () => {
    const controller = new AbortController();
    const reason = new AppError("timeout");
    const closed = Promise.withResolvers<void>();
    await using server = await serveHttp((_, response) => {
      response.once("close", closed.resolve);
      response.write("first", () => controller.abort(reason));
    });
    const work = fetch(server.origin, { signal: controller.signal });
    await expect(work).rejects.toBe(reason);
    expect(await failureOf(work)).toEqual({ code: "timeout", detail: {} });
    await closed.promise;
  });

  test("by a timeout of the caller's own is the caller's, not the input's", async () => {
    await using server = await serveRaw(() => {});
    const work = fetch(server.origin, { signal: AbortSignal.timeout(20) });
    expect(await failureOf(work)).toMatchObject({ name: "TimeoutError" });
  });
});

test("a file that cannot be written is our fault, not the input's", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serveHttp((_, response) => {
    response.once("close", closed.resolve);
    response.write("first");
  });
  const work = fetch(server.origin, { toFile: join(directory, "missing", "input") });
  expect(await failureOf(work)).toMatchObject({ code: "ENOENT" });
  await closed.promise;
});
