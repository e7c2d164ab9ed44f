import { serve } from "../src/serve.node.ts";
import { startApi } from "./api-under-test.ts";
import { requestOf } from "./request.ts";
import type { ReachableDoor } from "./suites/front-door.ts";

/** The front door as a Node server, asked over HTTP. */
export async function openOnNode(): Promise<ReachableDoor> {
  const api = await startApi();
  const server = await serve(api.app, { host: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    origin,
    // Uploads are signed for the address that the front door believes to have.
    fetch: (url, init) => fetch(url.replace("http://api.test", origin), init),
    caller: api.caller,
    owner: api.owner,
    addCaller: api.addCaller,
    send: (method, path, options = {}) =>
      fetch(origin + path, requestOf(method, { as: api.caller, ...options })),
    put: (url, options) => fetch(url, requestOf("PUT", options)),
    heardJobIds: async () => api.rung.splice(0).map(({ jobId }) => jobId),
    async [Symbol.asyncDispose]() {
      await server.stop({ withinMs: 1_000 });
      await api[Symbol.asyncDispose]();
    },
  };
}
