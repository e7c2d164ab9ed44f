import { expect, test } from "vitest";
import { accountRoutes } from "../../account-routes.ts";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";

/** Opened by people in a browser, on the way to a session: no part of the contract for programs. */
const PAGES = [
  "GET /v1/auth/login",
  "POST /v1/auth/login",
  "GET /v1/auth/callback",
  "GET /v1/auth/device",
  "POST /v1/auth/device/decision",
];

test("the contract is open to all and names every route of an account", async () => {
  await using api = await startApi();
  const response = await api.send("GET", "/openapi.json", { headers: { Authorization: null } });
  const { paths } = await bodyOf<{ paths: Record<string, object> }>(response);
  const documented = accountRoutes(api.app);
  expect(documented.length).toBeGreaterThan(0);
  const lacking = documented.filter(
    ({ method, path }) =>
      !Object.hasOwn(paths[path.replaceAll(/:(\w+)/g, "{$1}")] ?? {}, method.toLowerCase()),
  );
  expect(lacking.map(({ method, path }) => `${method} ${path}`)).toEqual(PAGES);
});
