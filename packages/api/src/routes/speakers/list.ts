import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listSpeakers as list } from "@earshot/shared/db/speakers";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { SpeakerBody, speakerBody } from "./speaker-body.ts";

const SpeakerList = doc(() =>
  z
    .object({ data: z.array(SpeakerBody), has_more: z.literal(false), next_cursor: z.null() })
    .meta({ id: "SpeakerList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/speakers",
  summary: doc("List enrolled speakers, the newest first"),
  middleware: authorize("speakers:read"),
  responses: doc(() => ({
    200: {
      description: `All of them: there are at most ${LIMITS.speakers}.`,
      content: { "application/json": { schema: SpeakerList } },
    },
    ...problems("forbidden"),
  })),
});

export function listSpeakers(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const speakers = await list(db, c.var.principal.accountId);
    return c.json({ data: speakers.map(speakerBody), has_more: false as const, next_cursor: null }, 200, {
      "Cache-Control": "private, no-cache",
    });
  });
}
