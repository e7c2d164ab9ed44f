import { expect, test, vi } from "vitest";
import { createApp } from "../app.ts";
import type { Deps } from "../deps.ts";

vi.mock("@earshot/shared/domain/doc", () => ({ doc() {} }));

/** As the Worker has them: what went through doc() is not there. */
function contracts() {
  const app = createApp({ putBlob: null, corsOrigins: [] as readonly string[] } as Deps);
  return app.openAPIRegistry.definitions.flatMap((one) => (one.type === "route" ? [one.route] : []));
}

test("a request is checked at the edge, too: no schema of one goes through doc()", () => {
  const parts = contracts().flatMap(({ method, path, request = {} }) => {
    const { body, ...rest } = request;
    const content = Object.entries(body?.content ?? {}).map(
      ([type, value]) => [type, value && "schema" in value ? value.schema : undefined] as const,
    );
    return [...Object.entries(rest), ...content].map(([part, schema]) => ({
      of: `${method} ${path} ${part}`,
      isThere: schema !== undefined,
    }));
  });
  expect(parts.length).toBeGreaterThan(50);
  expect(parts.filter(({ isThere }) => !isThere)).toEqual([]);
});

test("what is mocked here is left out: no answer has a contract", () => {
  const answers = contracts().map(({ responses }) => responses);
  expect(answers.length).toBeGreaterThan(60);
  expect(answers.filter((responses) => responses !== undefined)).toEqual([]);
});
