import type { Handler } from "hono";
import document from "../../../openapi.json" with { type: "json" };
import type { AppEnv } from "../../env.ts";

/** GET /openapi.json: made when the code was built (`openapi.main.ts`), not when it runs. */
export function getOpenApi(): Handler<AppEnv> {
  return function getOpenApi(c) {
    return c.json(document);
  };
}
