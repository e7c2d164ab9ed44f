import type { Handler } from "hono";
import type { Deps } from "../../deps.ts";
import type { AppEnv } from "../../env.ts";

/** GET /openapi.json: made when the code was built (`openapi.main.ts`), not when it runs. */
export function getOpenApi({ document }: Pick<Deps, "document">): Handler<AppEnv> {
  return async function getOpenApi(c) {
    return c.json(await document());
  };
}
