import { writeFileSync } from "node:fs";
import { knownModels } from "./known-models.ts";
import { docsPage } from "./routes/docs/page.ts";
import { openApiDocument } from "./openapi-document.ts";
import { typesOf } from "./openapi-types.ts";

/**
 * Writes packages/api/public/openapi.json with the types of packages/sdk made of it, public/models.json and docs.page. Run it after a change of
 * a contract or of the manifest; tests say when that was forgotten.
 */
const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
writeFileSync(new URL("../public/openapi.json", import.meta.url), text);
writeFileSync(
  new URL("../public/models.json", import.meta.url),
  `${JSON.stringify(knownModels(), null, 2)}\n`,
);
writeFileSync(new URL("../public/docs.page", import.meta.url), docsPage(JSON.parse(text)));
writeFileSync(new URL("../../sdk/src/api-types.ts", import.meta.url), typesOf(JSON.parse(text)));
