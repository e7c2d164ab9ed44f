import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { idPattern } from "@earshot/shared/crypto/ids";
import { selectEvents } from "@earshot/shared/db/webhooks/list-events";
import type { EventFilter } from "@earshot/shared/db/webhooks/list-events";
import { EVENT_TYPES } from "@earshot/shared/domain/events";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PAGE_SHAPE } from "../page-query.ts";
import { queryTime } from "../query-time.ts";
import { EventBody, eventBody } from "./event-body.ts";

const EventQuery = z.strictObject({
  type: z.enum(EVENT_TYPES).optional(),
  job_id: z.string().regex(idPattern("job"), "Not a job's id").optional(),
  created_after: queryTime.optional().describe(doc("Later than this, an ISO 8601 time.")),
  created_before: queryTime.optional().describe(doc("Earlier than this.")),
  ...PAGE_SHAPE,
});

const EventList = doc(() =>
  z
    .object({ data: z.array(EventBody), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "EventList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/events",
  summary: doc("List what happened, the newest first"),
  middleware: authorize("events:read"),
  request: { query: EventQuery },
  responses: doc(() => ({
    200: {
      description: "A page. New events do not move the pages that follow.",
      content: { "application/json": { schema: EventList } },
    },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listEvents(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid("query");
    const { accountId } = c.var.principal;
    const filter = filterOf(query);
    const thisList = JSON.stringify(["events", accountId, filter]);
    const after = query.cursor === undefined ? null : await requirePlace(query.cursor, thisList, "event");
    const found = await selectEvents(db, accountId, filter, { after, limit: query.limit });
    const shown = found.slice(0, query.limit);
    const last = found.length > query.limit ? shown.at(-1) : undefined;
    const page = {
      data: shown.map(eventBody),
      has_more: last !== undefined,
      next_cursor: last ? await writeCursor(last, thisList) : null,
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}

function filterOf(query: z.output<typeof EventQuery>): EventFilter {
  return {
    type: query.type ?? null,
    jobId: query.job_id ?? null,
    createdAfter: query.created_after ?? null,
    createdBefore: query.created_before ?? null,
  };
}
