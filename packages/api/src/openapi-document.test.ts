import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { publishedModels } from "@earshot/shared/domain/models";
import { openApiDocument } from "./openapi-document.ts";

test("openapi.json is what the routes say (else: node packages/api/src/openapi.main.ts)", () => {
  const committed = JSON.parse(readFileSync(new URL("../public/openapi.json", import.meta.url), "utf8"));
  expect(committed).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test("the models of the edge are those of the manifest (else: node packages/api/src/openapi.main.ts)", () => {
  const committed: unknown = JSON.parse(readFileSync(new URL("edge/models.json", import.meta.url), "utf8"));
  expect(publishedModels(committed)).toEqual(publishedModels());
});

test("every operation says how it refuses, and takes no unknown field", () => {
  const { paths = {}, components } = openApiDocument();
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  expect(operations.length).toBeGreaterThanOrEqual(7);
  for (const { responses } of operations) expect(responses).toHaveProperty("401");
  expect(components?.schemas?.JobRequest).toHaveProperty("additionalProperties", false);
});
