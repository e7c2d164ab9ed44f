import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { serve } from "../serve.node.ts";
import type { RunningServer } from "../serve.node.ts";

let api: ApiUnderTest;
let server: RunningServer;
beforeAll(async () => {
  api = await startApi();
  server = await serve(api.app, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await server.stop({ withinMs: 1_000 });
  await api[Symbol.asyncDispose]();
});

/** The status of a POST whose body is `chunks`, without a declared length. */
function postChunks(chunks: number, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port: server.port, path: "/v1/jobs", method: "POST", headers },
      (answer) => resolve(answer.resume().statusCode),
    );
    outgoing.once("error", reject);
    for (let sent = 0; sent < chunks; sent++) outgoing.write(Buffer.alloc(64 * 1024, " "));
    outgoing.end("{}");
  });
}

const authorized = () => ({ Authorization: `Bearer ${api.caller.key}`, "Content-Type": "application/json" });

test("a streamed body is cut at the limit, whatever it says of itself", async () => {
  expect(await postChunks(17, authorized())).toBe(413);
  expect(await postChunks(15, authorized())).toBe(400);
});

test("a declared length over the limit is refused before the key is looked at", async () => {
  const body = " ".repeat(1024 ** 2 + 1);
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/jobs`, { method: "POST", body });
  expect(response.status).toBe(413);
});

test("nobody streams a body in without a key", async () => {
  expect(await postChunks(17, {})).toBe(401);
});
