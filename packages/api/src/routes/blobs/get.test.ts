import { afterAll, beforeAll, expect, test } from "vitest";
import { signBlobRead } from "@earshot/shared/blobs/signed-urls";
import { startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { serve } from "../../serve.node.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const sign = (key: string, expiresAt: Date) =>
  signBlobRead(
    { baseUrl: "http://api.test/v1/blobs", key: api.deps.blobUrlKey ?? new Uint8Array() },
    key,
    expiresAt,
  );
const soon = () => new Date(Date.now() + 60_000);
const open = (url: string) => api.send("GET", url, { headers: { Authorization: null } });

test("a signed URL reads one blob, over a real connection too", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  await api.deps.blobs.write("results/a.json.gz", new Blob([bytes]).stream());
  const url = new URL(await sign("results/a.json.gz", soon()));
  const server = await serve(api.app, { host: "127.0.0.1", port: 0 });
  const response = await fetch(`http://127.0.0.1:${server.port}${url.pathname}${url.search}`);
  expect(response.headers.get("Content-Length")).toBe("60000");
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  await server.stop({ withinMs: 1_000 });
});

test("a URL for another blob, an expired one and an unsigned one open nothing", async () => {
  await api.deps.blobs.write("results/b", new Blob(["b"]).stream());
  const signed = await sign("results/b", soon());
  expect((await open(signed)).status).toBe(200);
  expect((await open(signed.replace("results/b", "results/a"))).status).toBe(403);
  expect((await open(signed.replace("results/b", "results/../results/b"))).status).toBe(200);
  expect((await open(await sign("results/b", new Date(Date.now() - 1_000)))).status).toBe(403);
  expect((await open("/v1/blobs/results/b")).status).toBe(403);
});

test("a blob that isn't there is a 404", async () => {
  expect((await open(await sign("results/none", soon()))).status).toBe(404);
});
