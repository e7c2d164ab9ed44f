import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findAllowedModels } from "@earshot/shared/db/allowed-models";
import { mayUseModel } from "@earshot/shared/domain/allowed-models";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { ModelBody } from "./model-body.ts";

const ModelList = doc(() => z.object({ data: z.array(ModelBody) }).meta({ id: "ModelList" }));

const route = createRoute({
  method: "get",
  path: "/v1/models",
  summary: doc("The models behind the tasks"),
  middleware: authorize("jobs:read"),
  responses: doc(() => ({
    200: {
      description: "Those that the account may use.",
      content: { "application/json": { schema: ModelList } },
    },
    ...problems("forbidden"),
  })),
});

export function listModels(app: App, deps: Pick<Deps, "db" | "models">): void {
  app.openapi(route, async (c) => {
    const allowed = await findAllowedModels(deps.db, c.var.principal.accountId);
    const models = await deps.models();
    return c.json({ data: models.filter((model) => mayUseModel(model, allowed)) }, 200);
  });
}
