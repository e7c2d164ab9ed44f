import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findSpeaker } from "@earshot/shared/db/speakers";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { SpeakerBody, speakerBody } from "./speaker-body.ts";

const route = createRoute({
  method: "get",
  path: "/v1/speakers/{id}",
  summary: doc("One enrolled speaker, without their voice"),
  middleware: authorize("speakers:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The speaker.", content: { "application/json": { schema: SpeakerBody } } },
    ...problems("forbidden", "not_found"),
  })),
});

export function getSpeaker(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("speaker", c.req.valid("param").id);
    const speaker = await findSpeaker(db, c.var.principal.accountId, id);
    if (speaker === null) throw new AppError("not_found");
    return c.json(speakerBody(speaker), 200, { "Cache-Control": "private, no-cache" });
  });
}
