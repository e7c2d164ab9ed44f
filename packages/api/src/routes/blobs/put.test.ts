import { request } from "node:http";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@earshot/testkit/until";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { serve } from "../../serve.node.ts";
import type { RunningServer } from "../../serve.node.ts";

// What a PUT must be is tested where it is announced: routes/uploads/create.test.ts. Here are real connections.

const SIZE = 3 * 1024 ** 2 + 1;

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

async function announce(): Promise<{ id: string; path: string; headers: Record<string, string> }> {
  const json = { filename: "a.wav", content_type: "audio/wav", size: SIZE };
  const response = await api.send("POST", "/v1/uploads", { json });
  const { id, put_url, headers } = await bodyOf<{
    id: string;
    put_url: string;
    headers: Record<string, string>;
  }>(response);
  const { pathname, search } = new URL(put_url);
  return { id, path: pathname + search, headers };
}

const unfinished = () => readdir(join(api.blobDirectory, ".unfinished"));

test("a file of several MiB streams to the disk, beyond the limit of JSON bodies", async () => {
  const { id, path, headers } = await announce();
  const body = new Uint8Array(SIZE).fill(7);
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: "PUT", headers, body });
  expect(response.status).toBe(200);
  expect(await api.deps.blobs.size(`uploads/${id}`)).toBe(SIZE);
});

test("a caller that goes away in the middle leaves nothing, and is no error of ours", async () => {
  const { id, path, headers } = await announce();
  const outgoing = request({ host: "127.0.0.1", port: server.port, path, method: "PUT", headers });
  outgoing.on("error", () => {}); // It is this test that breaks it.
  outgoing.write(new Uint8Array(100_000));
  await until(async () => (await unfinished()).length === 1, { describe: "the file is being written" });
  outgoing.destroy();
  await until(async () => (await unfinished()).length === 0, { describe: "nothing is left" });
  const isLogged = () => api.logged.find(({ method, status }) => method === "PUT" && status !== 200);
  expect(await until(isLogged, { describe: "the request's event" })).toMatchObject({
    level: "info",
    status: 400,
  });
  expect(await api.deps.blobs.size(`uploads/${id}`)).toBeNull();
});
