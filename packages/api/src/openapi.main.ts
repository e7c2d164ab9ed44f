import { writeFileSync } from "node:fs";
import { publishedModels } from "@earshot/shared/domain/models";
import { openApiDocument } from "./openapi-document.ts";
import { typesOf } from "./openapi-types.ts";

/**
 * Writes packages/api/public/openapi.json, the types of packages/sdk made of it, and of the models what the world is told: the
 * edge is spared what only workers read. Run it after a change of a contract or a model; tests say when that was forgotten.
 */
const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
writeFileSync(new URL("../public/openapi.json", import.meta.url), text);
writeFileSync(new URL("../../sdk/src/api-types.ts", import.meta.url), typesOf(JSON.parse(text)));

// Which tasks run a model is worked out where it is read.
const models = JSON.stringify({ models: publishedModels() }, (key, value: unknown) =>
  key === "tasks" ? undefined : value,
);
writeFileSync(new URL("edge/models.json", import.meta.url), `${models}\n`);
