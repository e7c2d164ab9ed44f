import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { knownModels } from "./known-models.ts";
import { docsPage } from "./routes/docs/page.ts";
import { openApiDocument } from "./openapi-document.ts";

const committed = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../public/${name}`, import.meta.url), "utf8"));

test("openapi.json is what the routes say (else: node packages/api/src/openapi.main.ts)", () => {
  expect(committed("openapi.json")).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test("the page is made of the document (else: the same)", () => {
  const page = readFileSync(new URL("../public/docs.page", import.meta.url), "utf8");
  expect(page).toBe(docsPage(JSON.parse(JSON.stringify(openApiDocument()))));
});

test("models.json is what the manifest says (else: the same)", () => {
  expect(committed("models.json")).toEqual(knownModels());
});

test("every operation says how it refuses, and takes no unknown field", () => {
  const { paths = {}, components } = openApiDocument();
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  expect(operations.length).toBeGreaterThanOrEqual(7);
  for (const { responses } of operations) expect(responses).toHaveProperty("401");
  expect(components?.schemas?.JobRequest).toHaveProperty("additionalProperties", false);
});
