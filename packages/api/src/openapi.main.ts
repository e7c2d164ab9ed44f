import { writeFileSync } from "node:fs";
import { openApiDocument } from "./openapi-document.ts";

/** Writes packages/api/openapi.json. Run it after a change of a contract; a test says when that was forgotten. */
writeFileSync(new URL("../openapi.json", import.meta.url), `${JSON.stringify(openApiDocument(), null, 2)}\n`);
