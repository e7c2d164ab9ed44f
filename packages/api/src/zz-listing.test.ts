import { startApi } from "../test/api-under-test.ts";
import { describeListing } from "../test/suites/describe-listing.ts";
describeListing(async () => {
  const api = await startApi();
  return { caller: api.caller, owner: api.owner, addCaller: api.addCaller, send: api.send,
    put: async (url, options) => api.send("PUT", url, { ...options, headers: { Authorization: null, ...options.headers } }),
    heardJobIds: async () => [], [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
});
