import { expect, test } from "vitest";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";

test("the contract is open to all and names every route of an account", async () => {
  await using api = await startApi();
  const response = await api.send("GET", "/openapi.json", { headers: { Authorization: null } });
  const { paths } = await bodyOf<{ paths: Record<string, object> }>(response);
  const routes = api.app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"));
  const documented = routes.filter(({ path }) => !path.startsWith("/v1/blobs/"));
  expect(documented.length).toBeGreaterThan(0);
  for (const { method, path } of documented) {
    expect(paths[path.replaceAll(/:(\w+)/g, "{$1}")], path).toHaveProperty(method.toLowerCase());
  }
});
