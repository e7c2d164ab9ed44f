import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { AUDIT_ACTOR_KINDS, AUDIT_OUTCOMES } from "@earshot/shared/db/audit";
import { listAudit as list } from "@earshot/shared/db/list-audit";
import type { AuditRow } from "@earshot/shared/db/list-audit";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PAGE_SHAPE } from "../page-query.ts";
import { queryTime } from "../query-time.ts";

const name = z
  .string()
  .regex(/^[a-z0-9_.]{1,64}$/)
  .optional();

const AuditQuery = z.strictObject({
  action: name.describe(doc("`job.delete`; or a noun with its dot, `job.`, for all that begins with it.")),
  actor_kind: z.enum(AUDIT_ACTOR_KINDS).optional(),
  actor_id: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/)
    .optional(),
  outcome: z.enum(AUDIT_OUTCOMES).optional(),
  created_after: queryTime.optional().describe(doc("Later than this, an ISO 8601 time.")),
  created_before: queryTime.optional().describe(doc("Earlier than this.")),
  ...PAGE_SHAPE,
});

const AuditEntryBody = doc(() =>
  z
    .object({
      id: z.string(),
      created_at: z.string(),
      actor: z.object({ kind: z.enum(AUDIT_ACTOR_KINDS), id: z.string().nullable() }),
      action: z.string(),
      target: z.string().nullable(),
      outcome: z.enum(AUDIT_OUTCOMES),
      ip: z.string().nullable(),
      request_id: z.string().nullable(),
      detail: z.record(z.string(), z.unknown()),
      sequence: z.int().nullable().describe("Its place in the sealed log; null until it is sealed."),
    })
    .meta({ id: "AuditEntry" }),
);

const AuditList = doc(() =>
  z
    .object({ data: z.array(AuditEntryBody), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "AuditList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/audit",
  summary: doc("Who did what in this account, the newest first"),
  middleware: authorize("audit:read"),
  request: { query: AuditQuery },
  responses: doc(() => ({
    200: {
      description: "A page. New entries do not move the pages that follow.",
      content: { "application/json": { schema: AuditList } },
    },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listAudit(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { cursor, limit, ...query } = c.req.valid("query");
    const { accountId } = c.var.principal;
    const thisList = JSON.stringify([accountId, "audit", query]);
    const after = cursor === undefined ? null : await requirePlace(cursor, thisList, "audit");
    const filter = {
      action: query.action ?? null,
      actorKind: query.actor_kind ?? null,
      actorId: query.actor_id ?? null,
      outcome: query.outcome ?? null,
      createdAfter: query.created_after ?? null,
      createdBefore: query.created_before ?? null,
    };
    const found = await list(db, accountId, filter, { after, limit: limit + 1 });
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    const page = {
      data: rows.map(entryBody),
      has_more: last !== undefined,
      next_cursor: last === undefined ? null : await writeCursor(last, thisList),
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}

function entryBody(row: AuditRow): z.output<typeof AuditEntryBody> {
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    actor: { kind: row.actorKind, id: row.actorId },
    action: row.action,
    target: row.target,
    outcome: row.outcome,
    ip: row.ip,
    request_id: row.requestId,
    detail: row.detail,
    sequence: row.sequence,
  };
}
