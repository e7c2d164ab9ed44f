import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { ModelBody, MODELS } from "./model-body.ts";

const ModelList = z.object({ data: z.array(ModelBody) }).meta({ id: "ModelList" });

const route = createRoute({
  method: "get",
  path: "/v1/models",
  summary: "The models behind the tasks",
  middleware: authorize("jobs:read"),
  responses: {
    200: { description: "All of them.", content: { "application/json": { schema: ModelList } } },
    ...problems("forbidden"),
  },
});

export function listModels(app: App): void {
  app.openapi(route, (c) => c.json({ data: [...MODELS] }, 200));
}
