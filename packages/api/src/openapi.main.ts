import { writeFileSync } from "node:fs";
import { openApiDocument } from "./openapi-document.ts";
import { typesOf } from "./openapi-types.ts";

/**
 * Writes packages/api/public/openapi.json, and the types of packages/sdk made of it. Run it after a change of a contract; tests
 * say when that was forgotten.
 */
const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
writeFileSync(new URL("../public/openapi.json", import.meta.url), text);
writeFileSync(new URL("../../sdk/src/api-types.ts", import.meta.url), typesOf(JSON.parse(text)));
