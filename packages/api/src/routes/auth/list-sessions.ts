import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listSessions as list } from "@earshot/shared/db/sessions";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PageQuery } from "../page-query.ts";
import { requirePerson } from "./person.ts";

const Session = doc(() =>
  z
    .object({
      id: z.string(),
      kind: z.enum(["browser", "device"]),
      client_name: z.string().nullable(),
      ip: z.string().nullable().describe("Where it was begun."),
      current: z.boolean().describe("The one that asks."),
      created_at: z.iso.datetime(),
      last_used_at: z.iso.datetime().describe("To the minute."),
      expires_at: z.iso.datetime(),
    })
    .meta({ id: "Session" }),
);

const SessionList = doc(() =>
  z
    .object({ data: z.array(Session), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "SessionList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/auth/sessions",
  summary: doc("Your own open sessions, the newest first"),
  request: { query: PageQuery },
  responses: doc(() => ({
    200: { description: "A page.", content: { "application/json": { schema: SessionList } } },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listSessions(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const person = requirePerson(c.var.principal);
    const { cursor, limit } = c.req.valid("query");
    const thisList = JSON.stringify(["sessions", person.accountId, person.userId]);
    const after = cursor === undefined ? null : (await requirePlace(cursor, thisList, "session")).id;
    const { sessions, hasMore } = await list(db, person, { after, limit });
    const last = hasMore ? sessions.at(-1) : undefined;
    const data = sessions.map((session) => ({
      id: session.id,
      kind: session.kind,
      client_name: session.clientName,
      ip: session.ip,
      current: session.id === person.sessionId,
      created_at: session.createdAt.toISOString(),
      last_used_at: session.lastUsedAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
    }));
    const next_cursor = last === undefined ? null : await writeCursor(last, thisList);
    return c.json({ data, has_more: hasMore, next_cursor }, 200);
  });
}
