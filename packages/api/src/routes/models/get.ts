import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findAllowedModels } from "@earshot/shared/db/allowed-models";
import { mayUseModel } from "@earshot/shared/domain/allowed-models";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams } from "../ids.ts";
import { ModelBody } from "./model-body.ts";

const route = createRoute({
  method: "get",
  path: "/v1/models/{id}",
  summary: doc("One model: its labels, its licence and the hashes of its files"),
  middleware: authorize("jobs:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The model.", content: { "application/json": { schema: ModelBody } } },
    ...problems("forbidden", "not_found"),
  })),
});

export function getModel(app: App, deps: Pick<Deps, "db" | "models">): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const model = (await deps.models()).find((model) => model.id === id);
    const allowed = await findAllowedModels(deps.db, c.var.principal.accountId);
    if (model === undefined || !mayUseModel(model, allowed)) throw new AppError("not_found");
    return c.json(model, 200);
  });
}
